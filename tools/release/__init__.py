"""Make a release: the archives, what they contain, and proof that they install and compute."""
