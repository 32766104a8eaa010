"""Helpers for parsing records that several agents share. Pure."""
