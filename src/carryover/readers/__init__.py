"""Bytes on disk to complete records and a cursor."""
