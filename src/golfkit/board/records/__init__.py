"""The records of a board: messages, results and agents, each an immutable markdown file with YAML front matter."""
