"""Foreign text into values, what is wrong with it, and how that is told."""
