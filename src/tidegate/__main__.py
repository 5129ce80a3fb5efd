"""Lets ``python -m tidegate`` be the command ``tidegate``."""

from tidegate.cli import main

main()
