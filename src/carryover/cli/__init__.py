"""The commands of `carryover`."""
