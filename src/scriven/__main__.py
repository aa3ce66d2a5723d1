"""`python -m scriven` is the command `scriven`."""

from scriven.cli import main

if __name__ == "__main__":
    main()
