"""From the numbers that a model gives to what they stand for."""
