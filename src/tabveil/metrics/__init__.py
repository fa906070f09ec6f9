"""One file per measure of utility."""
