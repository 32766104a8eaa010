"""The handoff's sections, named after headings: each function returns entries with their ranks."""
