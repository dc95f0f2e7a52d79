"""Rented pods: their journal, who owns each, and how each is brought to its end whatever happens."""
