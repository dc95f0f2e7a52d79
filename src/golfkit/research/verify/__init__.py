"""Reading the best items in full."""
