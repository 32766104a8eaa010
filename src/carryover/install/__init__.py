"""Installs and removes Carryover on this machine: agents' settings, the hooks' script, the service."""
