"""Pictures of a sweep and of a release."""
