"""The grader without a key: deterministic, by rules and similarity."""
