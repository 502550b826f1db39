"""Figures: their theme, their files, and what can be drawn."""
