"""Which tags should be immutable: patterns, policies and where they are stored."""
