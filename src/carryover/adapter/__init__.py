"""The interface that each agent's folder implements, and helpers that adapters share."""
