"""The product's handoffs, found in what a model was told, and taken apart."""

import html
import re
from pathlib import Path
from typing import Final

from real_agents.lab.box import Box

GATES: Final = {
    "ask": "Your first response in this session MUST be:",
    "brief": "(resuming: <task>)",
    "silent": "This is background only",
}

POINTER: Final = "If `.carryover/handoff.md` exists in this project, read it before starting"

_HANDOFF: Final = re.compile(r"# \[CARRYOVER\] Last updated .*?^Full history: `carryover show [^\n]*$", re.S | re.M)


def path_in(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


def read(box: Box, root: Path) -> str:
    file = box.here(path_in(root))
    return file.read_text("utf-8") if file.exists() else ""


def injected(text: str) -> list[str]:
    """The handoffs in what the model was told, each from its title to its last line. Gemini CLI (0.61) escapes what
    hooks say as HTML."""
    return [html.unescape(handoff) for handoff in _HANDOFF.findall(text)]


def protocol(handoff: str) -> str:
    return "\n".join(handoff.split("\n## ")[0].splitlines()[1:])


def said_first(handoff: str) -> str:
    """The two lines under its title: the mode, and what the reader is asked to do or why it gets this."""
    return "; ".join(protocol(handoff).splitlines()[:2])


def sections(handoff: str) -> dict[str, list[str]]:
    """The lines of each section, git's as they are in an answer; the last line of the handoff is none of them."""
    parts = [part.replace("when this was written: ", "").splitlines() for part in handoff.split("\n## ")[1:]]
    return {lines[0]: [line for line in lines[1:] if line.startswith("- ")] for lines in parts}


def lasting(handoff: str) -> dict[str, list[str]]:
    """The sections but for what git shows, which a session that starts is told as it is then."""
    return {title: lines for title, lines in sections(handoff).items() if title != "Git context"}


def lines_of(handoff: str, *titles: str) -> str:
    said = sections(handoff)
    return "\n".join(line for title in titles for line in said.get(title, []))


def hook_lines(text: str) -> list[str]:
    """What a client said about hooks; the line of what it is doing ("running Stop hook") is not about them."""
    lines = [line.strip() for line in text.splitlines() if "(running" not in line]
    return [line for line in lines if "hook" in line.lower() or "carryover" in line.lower()]
