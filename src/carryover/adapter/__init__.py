"""The interface that each agent's folder implements."""
