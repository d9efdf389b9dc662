"""What people are told, and through which channels."""
