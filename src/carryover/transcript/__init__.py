"""From a transcript to events: readers turn bytes into records and a cursor, the recorder turns records into events."""
