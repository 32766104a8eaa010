"""Rules by which each kind of event changes the digest of its thread."""
