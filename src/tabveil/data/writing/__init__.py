"""Writing drawn rows in the form of their source."""
