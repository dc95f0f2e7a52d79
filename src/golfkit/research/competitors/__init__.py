"""Scores of others, read out of submission.json, READMEs and titles."""
