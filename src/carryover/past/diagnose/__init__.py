"""Builds one typed report on this machine for `status` and `doctor`, and carries out the repairs of `--fix`."""
