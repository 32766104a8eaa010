"""What the fields of records say, whichever agent wrote them: calls, changes of files, jobs, output. Pure."""
