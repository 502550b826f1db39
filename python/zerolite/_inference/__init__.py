"""What callers hold: a model, its signatures, batches and pools."""
