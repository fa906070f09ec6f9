"""The sweep: space, objective, study, front."""
