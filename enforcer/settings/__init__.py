"""The configuration: a file, the environment and secret files, read into settings."""
