"""Hydra → typed settings → objects: the only door through which configuration enters."""
