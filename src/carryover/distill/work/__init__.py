"""Lines of work: what a person wants done, and where it stands, through follow-ups, limits and changes of agent."""
