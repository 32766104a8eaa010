"""Terminal output for people: ages, sizes, colour, progress, tables, lines fitted to the width."""
