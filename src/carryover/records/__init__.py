"""Helpers for records, shared by several agents. Pure."""
