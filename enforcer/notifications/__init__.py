"""Notifications: what registries send, read into events."""
