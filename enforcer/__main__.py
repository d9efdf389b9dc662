"""`python -m enforcer`."""

from enforcer.cli.main import main

main()
