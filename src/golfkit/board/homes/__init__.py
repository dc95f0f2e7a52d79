"""Where a board lives: a local folder or a Hugging Face bucket, behind one protocol."""
