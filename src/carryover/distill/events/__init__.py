"""One file a kind of event: what it does to the digest of its thread, and what of it outlives the session."""
