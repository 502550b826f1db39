"""What the system gives: files, captured output, the machine and fresh interpreters."""
