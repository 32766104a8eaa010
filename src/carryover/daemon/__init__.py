"""`carryoverd`: watches the agents' transcripts, reads them into the ledger and publishes handoffs."""
