"""Quantizing in more ways than one number for the whole model."""
