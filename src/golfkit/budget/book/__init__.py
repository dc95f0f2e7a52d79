"""The book of the budget: what was spent, what is reserved, and whether a run may start."""
