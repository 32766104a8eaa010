"""Roo Code in the matrix of hand-overs."""

from agents.roo_code.played import RooPlayed
from matrix.tool import Tool, agents_md

TOOLS = (Tool(id="roo-code", agent="roo-code", play=RooPlayed, reads=agents_md),)
