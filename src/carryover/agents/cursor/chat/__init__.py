"""The chats of the terminal client, each a database of its own."""
