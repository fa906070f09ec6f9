"""Shared measuring instruments: the mixed-type distance and the intervals."""
