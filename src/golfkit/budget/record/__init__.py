"""The contest's record folder: made from runs, and checked against the rules."""
