"""One file per thing that is done to rows after they were drawn."""
