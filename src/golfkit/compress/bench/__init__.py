"""The ladder: every codec and peer on the same bytes."""
