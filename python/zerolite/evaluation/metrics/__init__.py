"""Metrics: what is told from the outputs of a model and the right answers."""
