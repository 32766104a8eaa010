"""Installed as the user does it: the handoff reaches the model, and a purge leaves nothing."""

from __future__ import annotations

import json
from typing import Final

import pytest

from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME
from real_agents.lab.homes import Tree, differing, tree
from real_agents.lab.rows import Row
from real_agents.opencode import work
from real_agents.opencode.chat_api import system
from real_agents.opencode.client import CONFIG, CONFIG_DIR, EACH_VERSION, PROJECT, SETTINGS, OpencodeBox
from real_agents.opencode.work import FILES, QUESTION

pytestmark = pytest.mark.real_agents

ENTRY: Final = ".carryover/handoff.md"
COMMENTED: Final = (
    '{\n  // mine\n  "instructions": [\n    "docs/*.md", // kept\n  ],\n'
    + json.dumps(SETTINGS, indent=2).removeprefix("{\n").removesuffix("\n}")
    + ", // last\n}\n"
)
"""`opencode.jsonc` of a user with instructions of their own."""


@EACH_VERSION
def test_the_handoff_is_in_the_first_request_and_read_again(opencode: OpencodeBox, row: Row) -> None:
    """Also of a session that starts in a subfolder; with the pointer, and only once."""
    opencode.make_project(FILES)
    product.carryover(opencode.box, "install", "--yes", "--agents", "opencode", "--no-service")
    product.start_daemon(opencode.box)
    work.do_the_work(opencode)
    product.settle(opencode.box)
    left = handoffs.read(opencode.box, PROJECT)
    for folder in (PROJECT, PROJECT / "sub"):
        known = len(opencode.requests())
        opencode.run("Hello", cwd=folder)
        first = system(opencode.requests()[known])
        found = handoffs.injected(first)
        row.shown(
            f"{len(found)} handoff(s) in the first request from {folder.name}, pointer {first.count(handoffs.POINTER)}"
        )
        assert [handoffs.sections(text)["Task"] for text in found] == [handoffs.sections(left)["Task"]]
        assert any(QUESTION in line for line in found[0].splitlines())
        assert first.count(handoffs.POINTER) == 1


@EACH_VERSION
def test_without_a_handoff_the_entry_does_nothing(opencode: OpencodeBox, row: Row) -> None:
    """A file that is not there is passed over in silence; once it is there, the next request of the session has it."""
    opencode.make_project(FILES)
    product.carryover(opencode.box, "install", "--yes", "--agents", "opencode", "--no-service")
    ran = opencode.run("Hello")

    row.shown(f"ended with {ran.code}; stderr: {len(ran.err)} characters")
    assert ENTRY in opencode.box.here(CONFIG).read_text()
    assert "handoff" not in ran.err + ran.out
    assert handoffs.injected(system(opencode.requests()[0])) == []

    for words in ("Peel the pears", "Wash the plums"):
        opencode.box.write(PROJECT / ENTRY, f"# {words}\n")
        known = len(opencode.requests())
        opencode.run("And now?", "-c")
        assert words in system(opencode.requests()[known])


@EACH_VERSION
@pytest.mark.parametrize("name", ["opencode.json", "opencode.jsonc"])
def test_a_purge_restores_every_byte(opencode: OpencodeBox, row: Row, name: str) -> None:
    """Settings with comments and a list of the user's own too; the client reads them while the entry is there."""
    if name == "opencode.jsonc":
        opencode.box.here(CONFIG).unlink()
        opencode.box.write(CONFIG_DIR / name, COMMENTED)
    opencode.make_project(FILES)
    opencode.run("Hello")  # what the client makes at its first start
    before = home(opencode)
    product.carryover(opencode.box, "install", "--yes", "--agents", "opencode", "--no-service")
    daemon = product.start_daemon(opencode.box)
    work.do_the_work(opencode)
    product.settle(opencode.box)
    known = len(opencode.requests())
    opencode.run("Hello")
    found = handoffs.injected(system(opencode.requests()[known]))
    touched = differing(home(opencode), before)
    assert daemon.stop() == 0
    product.carryover(opencode.box, "uninstall", "--purge", "--yes")
    after = home(opencode)

    row.shown(
        f"{len(found)} handoff(s) while installed; after the purge, differing: {differing(after, before) or 'nothing'}"
    )
    assert len(found) == 1
    assert f".config/opencode/{name}" in touched
    # What the session itself made is the user's.
    assert [path for path in differing(after, before) if path not in ("shop/prices.py", "shop/NOTES.md")] == []


def home(opencode: OpencodeBox) -> Tree:
    """The home without what the client itself writes at each run."""
    return tree(opencode.box.here(HOME), taken=_compared)


def _compared(name: str) -> bool:
    if name.startswith((".local", ".cache", ".npm", ".bun", "shop/.git/", "shop/__pycache__")):
        return False
    is_setting = name.endswith((".json", ".jsonc")) and "node_modules" not in name
    return is_setting or not name.startswith(".config/opencode/")
