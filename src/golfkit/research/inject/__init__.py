"""Writing what was found into program.md, inside its markers."""
