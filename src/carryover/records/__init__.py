"""What the records of several agents have in common, and what is made of it. Pure."""
