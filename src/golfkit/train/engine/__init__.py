"""Training and evaluation: the schedule, the loop, the two backends, and how a score is computed."""
