"""What tools/emulated_tests.py runs on an emulated ARM processor besides the rest of the suite."""
