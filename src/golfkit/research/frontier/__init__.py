"""Which families of techniques are tried, and which are not."""
