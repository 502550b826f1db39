"""Models by their address on the Hugging Face Hub."""
