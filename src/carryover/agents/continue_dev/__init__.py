"""Continue: the terminal client and the editor extensions, which keep their sessions in one folder."""
