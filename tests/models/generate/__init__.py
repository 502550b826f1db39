"""Generator of the test models: `python -m tests.models.generate`, from the repository's root.

Every module here with a function `recipes()` contributes models of one kind. The generator builds them, has
the reference interpreter run each in a process of its own, and writes the files and their manifest.
"""
