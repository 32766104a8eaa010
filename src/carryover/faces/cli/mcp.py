"""`carryover mcp`: an MCP server through which an agent looks up what was done in its project before."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from carryover.faces.cli.arguments import describe
from carryover.faces.mcp.server import serve
from carryover.terminal.output import warn

DESCRIPTION: Final = """\
Runs an MCP server on standard input and output, for an agent to start. Its
tools are of the project that the agent works in, and only read: `recall`
searches what was said, run, edited or failed, `turn` shows one turn whole,
`handoff` the handoff as it is now. It ends when standard input is closed.

`carryover install --mcp` enters it into the settings of your agents, `carryover
uninstall` takes it out again."""

EXAMPLES: Final = """\
  carryover install --mcp               for your agents to start it
  claude mcp add carryover -- carryover mcp
                                        in one project of Claude Code alone"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES)


def run(_args: argparse.Namespace) -> None:
    if sys.stdin.isatty():
        warn("carryover: this speaks MCP with a program, not with a person; Ctrl-D ends it.")
    serve()
