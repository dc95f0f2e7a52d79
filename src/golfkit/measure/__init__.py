"""Exact artifact bytes."""
