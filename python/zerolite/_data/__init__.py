"""Samples from arrays, files, folders and streams."""
