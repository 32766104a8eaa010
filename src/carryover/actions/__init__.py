"""Carries out commands, without their arguments and tables: through the daemon if one runs, else in this process."""
