"""What Carryover writes outside its own folder: the journal of it, and how it is put in and taken out again."""
