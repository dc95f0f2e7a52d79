"""The grader that asks a language model."""
