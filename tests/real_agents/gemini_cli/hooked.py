"""Gemini CLI with Carryover installed by its own command, and what its hooks brought to the model."""

from __future__ import annotations

from typing import Final

from real_agents.gemini_cli import work
from real_agents.gemini_cli.client import PROJECT, GeminiBox
from real_agents.gemini_cli.work import FILES
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME, Started

STATE: Final = HOME / ".carryover"


def start(gemini: GeminiBox) -> Started:
    """The project, everything installed, and the daemon."""
    gemini.make_project(FILES)
    install(gemini)
    return product.start_daemon(gemini.box)


def install(gemini: GeminiBox) -> str:
    return product.carryover(gemini.box, "install", "--yes", "--no-service")


def left_behind(gemini: GeminiBox) -> str:
    """Everything installed, a session in the past, and no daemon any more; the handoff it left."""
    daemon = start(gemini)
    work.do_the_work(gemini)
    product.settle(gemini.box)
    left = handoffs.read(gemini.box, PROJECT)
    assert daemon.stop() == 0
    return left


def lines_of_hooks(text: str) -> list[str]:
    """What a client said about hooks; empty where it does not mention them."""
    return [line.strip() for line in text.splitlines() if "hook" in line.lower() or "carryover" in line.lower()]


def lines_of_ours(text: str) -> list[str]:
    """What a client said about our hooks. It speaks of hooks by itself in a folder that is not trusted."""
    return [line for line in lines_of_hooks(text) if "carryover" in line.lower()]
