"""Checks of an installation before it is needed: of its configuration, its Redis and its registries."""
