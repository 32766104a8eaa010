"""Sessions of real clients of Cline: what is read of them."""
