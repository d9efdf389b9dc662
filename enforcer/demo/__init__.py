"""The demonstration: an overwritten tag comes back, on a real registry and on this machine alone."""
