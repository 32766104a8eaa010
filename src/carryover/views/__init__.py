"""What people are shown of the past: log, why, sessions, usage limits, and what an export is made of. Read-only."""
