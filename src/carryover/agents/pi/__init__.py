"""pi: one file of JSON lines per session, whose entries form a tree."""
