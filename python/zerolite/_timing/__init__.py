"""The one timing engine: a stopwatch, interleaved rounds and ratios."""
