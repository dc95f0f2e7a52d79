"""Fetching: polite HTTP, what was fetched when, and the run over all sources."""
