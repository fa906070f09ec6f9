"""MLflow: runs, the artifact, the registry."""
