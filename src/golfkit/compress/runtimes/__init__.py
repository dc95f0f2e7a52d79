"""Three runtimes of one kernel source, and the programs made of it."""
