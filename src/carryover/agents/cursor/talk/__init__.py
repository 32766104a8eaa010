"""What the stores without bubbles have in common: messages in order, each given out once, and what they mean."""
