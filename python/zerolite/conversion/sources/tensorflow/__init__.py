"""What needs TensorFlow: runs in the process of its own only."""
