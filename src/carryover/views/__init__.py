"""Read-only views of recorded work: timeline, file history, sessions, usage limits, and the material of an export."""
