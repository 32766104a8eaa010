"""Readers turn bytes on disk into complete records and a cursor."""
