"""Long runs: the state of a coder on disk, so that a process which was killed goes on where it was."""
