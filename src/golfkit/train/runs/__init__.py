"""Runs: what each one left behind, what is decided about it, and what they show together."""
