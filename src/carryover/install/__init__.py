"""Putting Carryover to work on this machine and taking it away again: the agents, their settings, the service."""
