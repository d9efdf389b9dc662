"""`python -m worker`."""

from worker.commands.main import main

main()
