"""Commands for the tasks of models: from pictures and texts to answers."""
