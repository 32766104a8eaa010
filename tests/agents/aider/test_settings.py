"""Histories that Aider's settings put elsewhere in the project, and what must not be read for being named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agents.aider.chats import HEAD, answer, prompt, typed
from agents.aider.contract_case import INPUTS, WRITTEN_S
from agents.aider.test_times import FIRST_MS
from carryover.agents.aider.adapter import AGENT, FILE, moved_histories
from carryover.model import FileEdit, UserPrompt
from contract.case import read_on
from support.repository import repository

BLOCK = "cart.py\n```python\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```"
CHAT = f"{HEAD}{prompt('Fix the rounding of prices')}{answer(f'Done.{chr(10)}{BLOCK}')}> Applied edit to cart.py  \n"


@pytest.fixture
def shop(home: Path) -> Path:
    """A project whose history is in a folder below."""
    root = repository(home / "work" / "shop", {".gitignore": ".aider*\n", "cart.py": "x = 1\n"})
    (root / ".aider").mkdir()
    (root / ".aider" / "chat.md").write_text(CHAT)
    return root


@pytest.mark.parametrize(
    "line",
    [
        "chat-history-file: .aider/chat.md",
        "chat-history-file: './.aider/chat.md'  # kept apart",
        'model: gpt-4o\r\nchat-history-file:   ".aider/chat.md"\r\n',
        "chat-history-file: other.md\nchat-history-file: .aider/chat.md",
    ],
)
@pytest.mark.parametrize("whose", ["the project's", "the user's"])
def test_a_history_that_settings_name_is_a_source(shop: Path, home: Path, whose: str, line: str) -> None:
    ((shop if whose == "the project's" else home) / FILE).write_bytes(line.encode())

    assert [source.path for source in AGENT.sources(shop)] == [str(shop / ".aider" / "chat.md")]


@pytest.mark.parametrize("name", ["../zoo/chat.md", "/etc/passwd", "..", ".", "~/chat.md", "link/chat.md", "link.md"])
def test_what_is_outside_of_the_project_is_not_read(shop: Path, name: str) -> None:
    zoo = shop.parent / "zoo"
    zoo.mkdir()
    (zoo / "chat.md").write_text(CHAT)
    (shop / "link").symlink_to(zoo)
    (shop / "link.md").symlink_to(zoo / "chat.md")
    (shop / FILE).write_text(f"chat-history-file: {name}\n")

    assert AGENT.sources(shop) == []


def test_a_change_of_the_settings_counts_at_once(shop: Path) -> None:
    (shop / FILE).write_text("chat-history-file: a.md\n")
    before = moved_histories(shop)
    (shop / FILE).write_text("chat-history-file: sub/b.md\n")
    after = moved_histories(shop)
    (shop / FILE).unlink()

    assert (before, after, moved_histories(shop)) == ([shop / "a.md"], [shop / "sub" / "b.md"], [])


def test_a_moved_history_is_one_of_the_project_and_has_its_inputs(shop: Path) -> None:
    (shop / FILE).write_text("chat-history-file: .aider/chat.md\n")
    (shop / INPUTS).write_text(typed("Fix the rounding of prices"))
    os.utime(shop / ".aider" / "chat.md", (WRITTEN_S, WRITTEN_S))
    [source] = AGENT.sources(shop)

    found = read_on(AGENT, source).events

    assert {event.cwd for event in found} == {str(shop)}
    assert [event.body.path for event in found if isinstance(event.body, FileEdit)] == [str(shop / "cart.py")]
    assert [event.at_ms for event in found if isinstance(event.body, UserPrompt)] == [FIRST_MS]
