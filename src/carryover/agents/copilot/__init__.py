"""GitHub Copilot: its terminal client, and the chat in VS Code."""
