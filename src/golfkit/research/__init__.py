"""The research loop."""
