"""The transcripts written beside both: lines, and the blocks of their old form."""
