"""Projects: their root folders, moves, the policy on publishing, and the handoff file."""
