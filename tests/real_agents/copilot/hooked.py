"""Copilot with Carryover installed by its own command, and what its hooks brought to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from real_agents.copilot import work
from real_agents.copilot.client import COPILOT_HOME, PROJECT, CopilotBox
from real_agents.copilot.requests import told
from real_agents.copilot.work import DECOY_WORDS, FILES
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME, Started

STATE: Final = HOME / ".carryover"
HOOKS: Final = COPILOT_HOME / "hooks" / "carryover.json"


def start(copilot: CopilotBox) -> Started:
    """The project, everything installed, and the daemon."""
    copilot.make_project(FILES)
    copilot.ask("Hello", cwd=HOME)  # it has been used before, so it is found
    install(copilot)
    return product.start_daemon(copilot.box)


def install(copilot: CopilotBox) -> str:
    return product.carryover(copilot.box, "install", "--yes", "--no-service")


def left_behind(copilot: CopilotBox) -> str:
    """Everything installed, a session in the past, and no daemon any more; the handoff it left."""
    daemon = start(copilot)
    work.do_the_work(copilot)
    product.settle(copilot.box)
    left = handoffs.read(copilot.box, PROJECT)
    assert daemon.stop() == 0
    return left


def first_request(copilot: CopilotBox, prompt: str, *options: str, cwd: Path = PROJECT) -> str:
    """What the first request of one `copilot -p` told the model."""
    before = len(copilot.requests())
    copilot.ask(prompt, *options, cwd=cwd)
    return told(copilot.requests()[before])


def decoys(text: str) -> list[str]:
    """The other project's words in a text."""
    return [word for word in DECOY_WORDS if word in text]
