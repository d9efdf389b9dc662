"""Starting child processes, supervising them, and ending with them. Imports nothing of ours."""
