"""From the first command to the last: installed, two sessions, uninstalled; and nothing is left that was not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from real_agents.codex import client, hooked, work
from real_agents.codex.client import CODEX_HOME, PROJECT, CodexBox
from real_agents.codex.hooked import STATE
from real_agents.codex.work import FILES, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME
from real_agents.lab.homes import Tree, differing, seen, tree
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

HOOKS: Final = CODEX_HOME / "hooks.json"
CONFIG: Final = CODEX_HOME / "config.toml"
OWN_LOG: Final = HOME / "own-hook.log"
OWN_HOOKS: Final = (
    '{\n\t"description": "mine",  "hooks" :{"SessionStart": [ {"hooks": [{"type":"command",\n'
    f'\t\t"command": "echo started >>{OWN_LOG}"}}] }} ],\n'
    f'\t"Stop": [{{"hooks": [{{"type": "command", "command": "echo stopped >>{OWN_LOG}"}}]}}]}}\n}}'
)
"""Hooks of the user's own, in a form that no program would write; without a newline at its end."""

OWN_TABLES: Final = f"""
[[hooks.SessionStart]]  # mine
matcher = 'startup|resume'
[[hooks.SessionStart.hooks]]
type = "command"
command = 'echo started >>{OWN_LOG}'
"""
"""The same in `config.toml`, where Carryover's then have to go too."""

OWN_FILES: Final = {"AGENTS.md": "# Rules\r\nBe brief.", ".gitignore": "*.log\n\nbuild"}
USERS: Final = {
    "nothing of their own": {},
    "hooks and rules of their own": {HOOKS: OWN_HOOKS, **{PROJECT / name: text for name, text in OWN_FILES.items()}},
    "hooks in config.toml": {CONFIG: client.SETTINGS + OWN_TABLES},
}
"""What lies in the home before."""
OF_GIT: Final = tuple(f"shop/.git/{name}" for name in ("objects", "logs", "index", "refs/heads/main"))
"""What git names by the time of a commit."""

REVIEWED: Final = re.compile(r"^trusted_hash = ", re.M)
"""The client's own notes of which hooks its user has reviewed."""
NOTES: Final = re.compile(r"^\[(tui|hooks\.state)\b.*", re.M | re.S)
"""What the client adds to its user's settings, at their end: those notes, and what it has shown already."""


@pytest.mark.parametrize("own", USERS.values(), ids=list(USERS))
def test_install_two_sessions_and_a_purge_leave_every_byte_as_without_carryover(
    codex: CodexBox, row: Row, own: Mapping[Path, str]
) -> None:
    """The second session is told the first one's handoff once; after the purge the home is that of a control run.

    The client's own data apart: transcripts, databases, and its note of the hooks that were reviewed.
    """
    has_hooks = any("echo started" in text for text in own.values())
    with client.boxed(codex.client) as control:
        prepare(control, own)
        open_once(control, asks=has_hooks)
        work.do_the_work(control)
        assert handoffs.injected(hooked.first_request(control, "Hello")) == []
        expected, expected_config = home(control), config(control)

    prepare(codex, own)
    hooked.install(codex)
    daemon = product.start_daemon(codex.box)
    open_once(codex, asks=True)
    work.do_the_work(codex)
    product.settle(codex.box)
    left = handoffs.read(codex.box, PROJECT)
    found = handoffs.injected(hooked.first_request(codex, "Hello"))
    product.settle(codex.box)
    touched = differing(home(codex), expected)
    assert daemon.stop() == 0
    said = product.carryover(codex.box, "uninstall", "--purge", "--yes")
    after, after_config = home(codex), config(codex)

    row.shown(f"{len(found)} handoff(s) in the first request of the second session")
    row.shown(f"differed while installed: {', '.join(path for path in touched if not path.startswith('.carryover/'))}")
    row.shown(f"after the purge, of {len(after)} compared: {', '.join(differing(after, expected)) or 'nothing'}")
    reviewed = [len(REVIEWED.findall(text)) for text in (after_config, expected_config)]
    row.shown(f"the client's notes of reviewed hooks in config.toml: {reviewed[0]}, in the control {reviewed[1]}")
    row.shown(said.splitlines()[-1])
    for path in differing(after, expected):
        row.shown(f"{path}: {seen(after.get(path))}, in the control {seen(expected.get(path))}")
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert TASK in handoffs.sections(left)["Task"][0]
    assert {"shop/AGENTS.md", "shop/.gitignore", "shop/.carryover", ".carryover"} <= {*touched}
    assert (".codex/hooks.json" in touched) == (CONFIG not in own)
    assert differing(after, expected) == []
    assert users_part(after_config) == users_part(expected_config) == own.get(CONFIG, client.SETTINGS).strip()
    assert "carryover" not in after_config
    assert not codex.box.here(STATE).exists()
    assert not codex.box.here(PROJECT / ".carryover").exists()
    assert all(codex.box.here(path).read_bytes() == own[path].encode() for path in own if path != CONFIG)


def prepare(codex: CodexBox, own: Mapping[Path, str]) -> None:
    """The project and what the user has of their own."""
    codex.make_project({**FILES, **{path.name: text for path, text in own.items() if path.parent == PROJECT}})
    for path, text in own.items():
        codex.box.write(path, text)


def open_once(codex: CodexBox, *, asks: bool) -> None:
    """The interactive client, opened and closed; where it asks about hooks, all are trusted."""
    if asks:
        codex.trust_hooks()
        return
    with codex.terminal() as terminal:
        terminal.wait(client.READY)


def home(codex: CodexBox) -> Tree:
    """The home but for what differs between any two runs. Of the client's own folder only what users write is taken."""
    return tree(codex.box.here(HOME), taken=_compared)


def _compared(name: str) -> bool:
    if name.startswith(".codex/"):
        return name.startswith((".codex/hooks", ".codex/AGENTS"))
    return not name.startswith(OF_GIT)


def config(codex: CodexBox) -> str:
    return codex.box.here(CONFIG).read_text("utf-8")


def users_part(text: str) -> str:
    """The user's part of `config.toml`."""
    return NOTES.sub("", text).strip()
