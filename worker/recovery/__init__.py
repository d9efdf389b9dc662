"""Archive, replay, export and import."""
