"""What is done on a machine over ssh: copying, a run that outlives the connection, following it, judging it early."""
