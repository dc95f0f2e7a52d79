"""The seven sources, one module each."""
