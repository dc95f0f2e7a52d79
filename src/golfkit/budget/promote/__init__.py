"""From a local run to its expensive one: the plan and its price, the rental, the seeds, the row."""
