"""Text for people: ages, sizes, colour, progress, tables and lines as wide as the terminal, a pager."""
