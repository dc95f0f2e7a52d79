"""Writing to a board: new files only, under the own id."""
