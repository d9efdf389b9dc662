"""Which tags should be immutable: patterns, policies, unlocks, and how they are declared."""
