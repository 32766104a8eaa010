"""Documents for places without a file system: a project for a web chat, a session for people. Pure."""
