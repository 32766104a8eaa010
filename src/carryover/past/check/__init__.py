"""Checks an agent by its own recordings, as `carryover agents check` and the contract suite do."""
