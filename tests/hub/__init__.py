"""Models by their address on the Hugging Face Hub, from a server of the same interface."""
