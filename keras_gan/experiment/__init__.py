"""A training run: its directory, its sessions, what is measured of it."""
