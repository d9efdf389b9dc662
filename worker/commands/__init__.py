"""The commands of `enforcer-worker`, one file each."""
