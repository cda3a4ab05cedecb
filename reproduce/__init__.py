"""The paper's results from this code, each by one command: see `python -m reproduce --help`."""
