"""The local page that `carryover ui` opens: its routes on the daemon's port, and the data that they answer with."""
