"""golfkit: the `golf` command line for contests scored in bytes."""
