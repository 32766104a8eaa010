"""Documents for places without a file system: a project for a chat in the browser, a session for people. Pure."""
