"""One module a command, each a walk along the straight line; `run(composition)` does it."""
