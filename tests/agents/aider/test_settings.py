"""Histories that Aider's settings put elsewhere in the project, and what must not be read for being named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from watchfiles import Change

from agents.aider.chats import HEAD, answer, prompt, typed
from agents.aider.contract_case import HISTORY, INPUTS, WRITTEN_S
from agents.aider.test_times import FIRST_MS
from carryover.agents.aider.adapter import AGENT
from carryover.agents.aider.settings import FILE, VARIABLE, moved_histories
from carryover.cli import main
from carryover.daemon.watcher import noticed
from carryover.ingest.in_projects import roots_in_projects
from carryover.ingest.scan import find_sources
from carryover.model import FileEdit, UserPrompt
from contract.case import read_on
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.repository import git, repository

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


def test_one_that_is_named_by_its_whole_path_or_a_variable(shop: Path, home: Path) -> None:
    (shop / HISTORY).write_text(CHAT)
    (shop / "own.md").write_text(CHAT)
    (shop / "third.md").write_text(CHAT)
    (shop / FILE).write_text(f"chat-history-file: {shop}/.aider/chat.md\n")
    (shop / ".env").write_text(f"OTHER=1\nexport {VARIABLE}='own.md'\n")
    (home / ".env").write_text(f"{VARIABLE}=third.md\n")

    assert {Path(source.path).name for source in AGENT.sources(shop)} == {HISTORY, "chat.md", "own.md", "third.md"}


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


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", b"chat-history-file:\n", b"# chat-history-file: x\n", b"x: |\n  chat-history-file: y\n"]
)
def test_settings_that_name_none(shop: Path, data: bytes) -> None:
    (shop / FILE).write_bytes(data)

    assert moved_histories(shop) == []


def test_a_moved_history_is_one_of_the_project_and_has_its_inputs(shop: Path) -> None:
    (shop / FILE).write_text("chat-history-file: .aider/chat.md\n")
    (shop / INPUTS).write_text(typed("Fix the rounding of prices"))
    os.utime(shop / ".aider" / "chat.md", (WRITTEN_S, WRITTEN_S))
    [source] = AGENT.sources(shop)

    found = read_on(AGENT, source).events

    assert {event.cwd for event in found} == {str(shop)}
    assert [event.body.path for event in found if isinstance(event.body, FileEdit)] == [str(shop / "cart.py")]
    assert [event.at_ms for event in found if isinstance(event.body, UserPrompt)] == [FIRST_MS]


def test_a_change_of_it_is_noticed_and_one_that_git_tracks_is_anothers(shop: Path) -> None:
    (shop / FILE).write_text("chat-history-file: .aider/chat.md\n")
    path = shop / ".aider" / "chat.md"
    roots = roots_in_projects([AGENT], [shop])
    changes = [(Change.modified, str(path)), (Change.modified, str(shop / ".aider" / "other.md"))]

    found = noticed(changes, roots, {"aider": AGENT}, deep=False)

    assert [source.path for source in found.sources] == [str(path)]
    assert [folder for root in roots for folder in root.watched] == [shop, shop / ".aider"]
    git(shop, "add", "--force", str(path))
    assert find_sources({"aider": AGENT}, roots) == []


def test_a_daemon_follows_it(shop: Path, home: Path) -> None:
    (shop / FILE).write_text("chat-history-file: .aider/chat.md\n")
    (home / ".carryover").mkdir(mode=0o700)
    (home / ".carryover" / "config.toml").write_text("[server]\nport = 0\n")
    with DaemonProcess() as daemon:
        wait_until("the first rescan", lambda: daemon.health()["caught_up"])
        assert main.main(["handoff", str(shop)]) == 0
        wait_until("the handoff", lambda: "Fix the rounding" in handoff_of(shop))
        with (shop / ".aider" / "chat.md").open("a") as file:
            file.write(prompt("Then cap the discount at half the price"))
        wait_until("the new prompt", lambda: "cap the discount" in handoff_of(shop))
