"""What is wrong with an installation before it is needed: its configuration, its Redis and its registries."""
