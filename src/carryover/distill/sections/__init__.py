"""What each section of the handoff says: one file per section, each a pure function to entries."""
