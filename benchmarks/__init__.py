"""Benchmarks of zerolite beside other runtimes: `python -m benchmarks` runs all, `python -m benchmarks NAME` some."""
