"""Training data: shards, tokenizers with the contest's byte accounting, packing, and the contests' own files."""
