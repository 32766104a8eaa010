"""What relatives among the agents share: the store of a program and of its forks, hooks made after another's.

Each module or folder is one kinship. It names no agent: what differs between relatives is a parameter, and what one
agent alone needs is in its own folder.
"""
