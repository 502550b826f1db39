"""What a conversion begins with, one folder for each way to make it."""
