"""Cline: the terminal client (3.x), and the extension for VS Code with the tasks of its earlier versions."""
