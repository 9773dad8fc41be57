"""`python -m intarsia`: the command line."""

from intarsia.cli import main

main()
