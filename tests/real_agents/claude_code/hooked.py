"""Claude Code with Carryover's hooks in its settings, some work for it, and what the hooks brought to the model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.agents.claude_code.hooks import HOOKS
from carryover.edits.hook_command import hook_command
from real_agents.claude_code import client
from real_agents.claude_code.client import PROJECT, ClaudeBox, at_least
from real_agents.claude_code.requests import told
from real_agents.lab import product
from real_agents.lab.box import HOME, Started
from real_agents.lab.terminal import Terminal

STATE: Final = HOME / ".carryover"
SETTINGS: Final = HOME / ".claude" / "settings.json"
REASONS: Final = "startup|clear|compact|resume|fork"
SINCE: Final = {"StopFailure": "2.1.78"}
"""A client warns of events that came later than itself."""

EACH_VERSION: Final = pytest.mark.parametrize("claude", client.CHOSEN, indirect=True)
LATEST_ONLY: Final = pytest.mark.parametrize("claude", [v for v in client.CHOSEN if v == client.LATEST], indirect=True)

READY: Final = r"(?m)^[│ ]*[❯>]"
"""The line of an interactive client that takes a prompt."""

SOON: Final = {"CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100000"}
"""With this an answer that says the context is nearly full brings on a compaction, in every model."""

TASK: Final = "Raise the price of an apple to two coins"
QUESTION: Final = "Should a pear cost two coins as well?"
FILES: Final = {
    "prices.py": "APPLE = 1\nPEAR = 1\n",
    "test_prices.py": "import prices\n\n\ndef test_a_pear_costs_as_much():\n    assert prices.PEAR == prices.APPLE\n",
    "sub/notes.txt": "nothing\n",
}
FAILING: Final = "test_a_pear_costs_as_much"
GATES: Final = {
    "ask": "Your first response in this session MUST be:",
    "brief": "(resuming: <task>)",
    "silent": "This is background only",
}

DECOY: Final = HOME / "shop2"
DECOY_WORDS: Final = ("QUOKKA", "okapi.py", "axolotl", "shop2")
"""Words of another project, which must not appear in this one. Its path begins like this one's."""

_HANDOFF: Final = re.compile(r"# \[CARRYOVER\] Last updated .*?^Full history: `carryover show [^\n]*$", re.S | re.M)


def start(claude: ClaudeBox, config: str = "") -> Started:
    """The project, the hooks and the daemon."""
    claude.make_project(FILES)
    with_hooks(claude)
    if config:
        claude.box.write(STATE / "config.toml", config)
    return product.start_daemon(claude.box)


def with_hooks(claude: ClaudeBox, more: dict[str, Any] | None = None) -> None:
    """Puts the hooks into the user's settings: for each event that this version knows the one line of the stub.

    `more`: entries for other events that the user has.
    """
    events = [name for name in HOOKS.events if at_least(claude.client.version, SINCE.get(name, "0"))]
    claude.box.write(SETTINGS, json.dumps({"hooks": {event: [_entry(event)] for event in events} | (more or {})}))


def without_hooks(claude: ClaudeBox) -> None:
    claude.box.write(SETTINGS, "{}\n")


def do_the_work(claude: ClaudeBox) -> None:
    """A session in the project: a prompt, an edit, a test that fails, an open question."""
    claude.script(*work(), f"An apple costs two coins now, and the test of the pear fails. {QUESTION}")
    claude.print_mode(TASK)


def work() -> list[Any]:
    """What the model does for the task, less its last words."""
    path = str(PROJECT / "prices.py")
    tests = f"{product.PYTHON} -m pytest -q -p no:cacheprovider test_prices.py"
    return [
        {"tool": "Read", "input": {"file_path": path}},
        {"tool": "Edit", "input": {"file_path": path, "old_string": "APPLE = 1", "new_string": "APPLE = 2"}},
        {"tool": "Bash", "input": {"command": tests}},
    ]


def do_decoy_work(claude: ClaudeBox) -> None:
    """A session in another project, with words of its own."""
    claude.make_project({"main.py": "print(1)\n"}, DECOY)
    write = {"tool": "Write", "input": {"file_path": str(DECOY / "okapi.py"), "content": "print(2)\n"}}
    claude.script(write, "Is the axolotl in okapi.py awake?")
    claude.print_mode("Feed the QUOKKA", cwd=DECOY)


def first_request(claude: ClaudeBox, prompt: str, *options: str, cwd: Path = PROJECT) -> str:
    """What the first request of one `claude -p` told the model. The client must not have said anything to the user."""
    before = len(claude.requests())
    ran = claude.print_mode(prompt, *options, cwd=cwd)
    assert ran.err == ""
    return told(claude.requests()[before])


def handoff_file(claude: ClaudeBox, root: Path = PROJECT) -> str:
    return claude.box.here(root / ".carryover" / "handoff.md").read_text("utf-8")


def sessions(claude: ClaudeBox) -> list[str]:
    """Ids of the sessions in the project so far."""
    own = [path for path in claude.transcripts() if path.parent.name.endswith("-shop")]
    return [path.stem for path in own if not path.stem.startswith("agent-")]


def injected(text: str) -> list[str]:
    """The handoffs in what the model was told, each from its title to its last line."""
    return _HANDOFF.findall(text)


def protocol(handoff: str) -> str:
    """What it says under its title and above its sections."""
    return "\n".join(handoff.split("\n## ")[0].splitlines()[1:])


def said_first(handoff: str) -> str:
    """The two lines under its title: the mode, and what the reader is asked to do or why it gets this."""
    return "; ".join(protocol(handoff).splitlines()[:2])


def sections(handoff: str) -> dict[str, list[str]]:
    """The lines of each section; the last line of the handoff is none of them."""
    parts = [part.splitlines() for part in handoff.split("\n## ")[1:]]
    return {lines[0]: [line for line in lines[1:] if line.startswith("- ")] for lines in parts}


def decoys(text: str) -> list[str]:
    """The other project's words in a text."""
    return [word for word in DECOY_WORDS if word in text]


def terminal(claude: ClaudeBox, *options: str, cwd: Path = PROJECT) -> Terminal:
    """The interactive client, every tool allowed that the work needs."""
    allowed = ("--permission-mode", "acceptEdits", "--allowedTools", "Bash")
    return Terminal(claude.box, *claude.client.command, *allowed, *options, cwd=cwd)


def _entry(event: str) -> dict[str, Any]:
    matcher = {"matcher": REASONS} if event == "SessionStart" else {}
    return {**matcher, "hooks": [{"type": "command", "command": hook_command(STATE, "claude-code", event)}]}
