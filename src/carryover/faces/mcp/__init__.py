"""The MCP server, by which an agent looks up what was done in its project."""
