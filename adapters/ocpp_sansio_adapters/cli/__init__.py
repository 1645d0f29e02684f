"""Commands for a terminal. Each module that is not private is one, run with `python -m`."""
