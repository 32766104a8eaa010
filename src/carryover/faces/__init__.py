"""How a person, a browser and an agent ask: each face parses, asks `past` or `actions`, and prints."""
