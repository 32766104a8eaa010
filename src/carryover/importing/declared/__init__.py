"""Reads the sources that the user declares in the settings (`[[sources]]`)."""
