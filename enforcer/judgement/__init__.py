"""The rules: what each tag must be, and how it came to be so. Pure: no I/O, no clock."""
