"""Carries out commands: through the daemon if one is running, otherwise in this process."""
