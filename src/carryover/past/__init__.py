"""What is known of the past, for whoever asks: sessions, search, timeline, origins, handoffs, usage, findings."""
