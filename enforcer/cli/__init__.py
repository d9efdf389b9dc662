"""The commands of `enforcer`, one file each."""
