"""Reading a board: which files, threads, search, claims, a digest, what is broken. Pure but for the home."""
