"""Representative data: described, read, prepared and handed to the process that converts."""
