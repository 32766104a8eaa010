"""Codex with Carryover installed by its own command, and what its hooks brought to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from real_agents.codex import work
from real_agents.codex.client import PROJECT, CodexBox
from real_agents.codex.requests import told
from real_agents.codex.work import DECOY_WORDS, FILES
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME, Started

STATE: Final = HOME / ".carryover"
EXEC_LINES: Final = ["hook: SessionStart", "hook: SessionStart Completed", "hook: Stop", "hook: Stop Completed"]
"""All that `codex exec` (0.169.0) says of our hooks: it names each that ran before its end, whatever it printed."""


def start(codex: CodexBox) -> Started:
    """The project, everything installed, the hooks reviewed by the user, and the daemon."""
    daemon = start_unreviewed(codex)
    codex.trust_hooks()
    return daemon


def start_unreviewed(codex: CodexBox) -> Started:
    """The same, before the user was asked about the hooks."""
    codex.make_project(FILES)
    install(codex)
    return product.start_daemon(codex.box)


def install(codex: CodexBox) -> str:
    return product.carryover(codex.box, "install", "--yes", "--no-service")


def left_behind(codex: CodexBox) -> str:
    """Everything installed and reviewed, a session in the past, and no daemon any more; the handoff it left."""
    daemon = start(codex)
    work.do_the_work(codex)
    product.settle(codex.box)
    left = handoffs.read(codex.box, PROJECT)
    assert daemon.stop() == 0
    return left


def first_request(codex: CodexBox, prompt: str, *options: str, cwd: Path = PROJECT) -> str:
    """What the first request of one `codex exec` told the model."""
    before = len(codex.requests())
    codex.exec(prompt, *options, cwd=cwd)
    return told(codex.requests()[before])


def decoys(text: str) -> list[str]:
    """The other project's words in a text."""
    return [word for word in DECOY_WORDS if word in text]


def lines_of_hooks(text: str) -> list[str]:
    """What a client said about hooks; empty where it does not mention them."""
    return [line.strip() for line in text.splitlines() if "hook" in line.lower() or "carryover" in line.lower()]
