"""The artifact folder: what compress leaves behind, and its score."""
