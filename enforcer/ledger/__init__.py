"""What each tag must be, and how it came to be so."""
