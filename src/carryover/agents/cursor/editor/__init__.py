"""The editor's databases: which conversations changed, what of them is new, and what that means."""
