"""What `make` runs: a checkout's own commands, not part of the installed package."""
