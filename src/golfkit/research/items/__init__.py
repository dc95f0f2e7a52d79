"""Research items: one finding each, whichever source it came from."""
