"""Roo Code: an extension for VS Code of Cline's family, with which it shares the form of tasks."""
