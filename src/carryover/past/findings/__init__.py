"""The facts about Carryover and the agents on this machine, and the checks on them, for `status` and `doctor`."""
