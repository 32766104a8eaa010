"""What agents' hooks ask over HTTP: who may, what a call means, and what it is answered."""
