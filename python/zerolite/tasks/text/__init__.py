"""Tasks on text: vocabularies and tokenizers as metadata names them, classes of texts, and answers in them."""
