"""Slow, obvious versions of what the kernels compute, written from their descriptions alone."""
