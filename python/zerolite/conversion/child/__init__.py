"""The process of its own that converts."""
