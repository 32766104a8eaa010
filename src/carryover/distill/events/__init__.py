"""What each kind of event does to the digest of its thread."""
