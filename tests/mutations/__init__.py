"""Sound models made unsound, by the thousand: what a hostile or broken file does to a process that loads it.

`python -m tests.mutations --count 20000 --verify full` is the campaign; docs/reliability.md reports one.
"""
