"""The HTTP API of a registry and its authentication: the only way out to a registry."""
