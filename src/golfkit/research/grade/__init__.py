"""Grading: the rubric, the history that it is judged against, and the graders."""
