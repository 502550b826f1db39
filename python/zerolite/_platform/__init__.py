"""What the system provides: files, captured output, the machine and fresh interpreters."""
