"""Lines of work: what a person wants done, and how far it is, through follow-ups, limits and changes of agent."""
