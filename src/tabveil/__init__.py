"""tabveil: turn a sensitive table into synthetic data that may be released."""

__version__ = "0.1.0"
