"""From the first command to the last: installed, two sessions, uninstalled; and nothing is left that was not there."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from real_agents.claude_code import client, hooked
from real_agents.claude_code.client import PROJECT, ClaudeBox
from real_agents.claude_code.hooked import FILES, LATEST_ONLY, SETTINGS, STATE, TASK
from real_agents.lab import box, npm, product
from real_agents.lab.box import HOME, Box
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

CARRYOVER: Final = str(Path(sys.prefix) / "bin" / "carryover")
OWN_LOG: Final = HOME / "own-hook.log"
OWN_SETTINGS: Final = (
    '{\n\t"model": "sonnet",  "hooks" :{"SessionStart": [ {"hooks": [{"type":"command",\n'
    f'\t\t"command": "echo started >>{OWN_LOG}"}}] }} ],\n'
    f'\t"Notification":[], "Stop": [{{"hooks": [{{"type": "command", "command": "echo stopped >>{OWN_LOG}"}}]}}]}},\n'
    '\n\t"env": {"CAF\\u00c9": "é"} }'
)
"""Hooks of the user's own, in a form that no program would write; without a newline at its end."""

OWN_FILES: Final = {"AGENTS.md": "# Rules\r\nBe brief.", "CLAUDE.md": "See AGENTS.md\n", ".gitignore": "*.log\n\nbuild"}
USERS: Final = {"nothing of their own": (None, {}), "settings and notes of their own": (OWN_SETTINGS, OWN_FILES)}

VOLATILE: Final = (".claude.json", *(f"shop/.git/{name}" for name in ("objects", "logs", "index", "refs/heads/main")))
"""What differs between any two runs: the client's state, and what git names by the time of a commit."""

Tree = dict[str, tuple[int, bytes]]
"""What lies in a home: mode and content (nothing for a folder), by path."""


@pytest.mark.parametrize(("settings", "files"), USERS.values(), ids=list(USERS))
@LATEST_ONLY
def test_install_two_sessions_and_a_purge_leave_every_byte_as_without_carryover(
    claude: ClaudeBox, row: Row, settings: str | None, files: Mapping[str, str]
) -> None:
    """The second session is told the first one's handoff once; after the purge the home is that of a control run."""
    with control_box(claude) as control:
        prepare(control, settings, files)
        hooked.do_the_work(control)
        request = hooked.first_request(control, "Hello")
        assert hooked.injected(request) == []
        expected = tree(control)

    prepare(claude, settings, files)
    carryover(claude, "install", "--yes", "--no-service")
    daemon = product.start_daemon(claude.box)
    hooked.do_the_work(claude)
    product.settle(claude.box)
    left = hooked.handoff_file(claude)
    request = hooked.first_request(claude, "Hello")
    found = hooked.injected(request)
    product.settle(claude.box)
    touched = differing(tree(claude), expected)
    assert daemon.stop() == 0
    said = carryover(claude, "uninstall", "--purge", "--yes")
    after = tree(claude)

    row.shown(f"{len(found)} handoff(s) in the first request of the second session")
    row.shown(f"differed while installed: {', '.join(path for path in touched if not path.startswith('.carryover/'))}")
    row.shown(f"after the purge, of {len(after)} compared: {', '.join(differing(after, expected)) or 'nothing'}")
    row.shown(said.splitlines()[-1])
    for path in differing(after, expected):
        row.shown(f"{path}: {seen(after.get(path))}, in the control {seen(expected.get(path))}")
    assert [hooked.sections(text) for text in found] == [hooked.sections(left)]
    assert TASK in hooked.sections(left)["Task"][0]
    assert {".claude/settings.json", "shop/AGENTS.md", "shop/.gitignore", "shop/.carryover", ".carryover"} <= {*touched}
    assert differing(after, expected) == []
    assert not claude.box.here(STATE).exists()
    assert not claude.box.here(PROJECT / ".carryover").exists()
    assert settings_of(claude) == (settings.encode() if settings is not None else None)


def prepare(claude: ClaudeBox, settings: str | None, files: Mapping[str, str]) -> None:
    """The user's settings and project."""
    claude.make_project({**FILES, **files})
    if settings is not None:
        claude.box.write(SETTINGS, settings)


def carryover(claude: ClaudeBox, *command: str) -> str:
    """What the command said; the client is on its PATH."""
    path = f"{Path(claude.client.command[0]).parent}:{box.ENVIRONMENT['PATH']}"
    return claude.box.must(CARRYOVER, *command, env={"PATH": path})


@contextmanager
def control_box(claude: ClaudeBox) -> Iterator[ClaudeBox]:
    """A second box like the first, in which Carryover is never run."""
    environment = {**product.ENVIRONMENT, **client.ENVIRONMENT}
    with Box(npm.cache_dir() / "runs", [*product.SHOWN, *claude.client.shown], environment) as second:
        yield ClaudeBox(second, claude.client)


def tree(claude: ClaudeBox) -> Tree:
    """The home but for what differs between any two runs. Of the client's own folder only its settings are taken."""
    home = claude.box.here(HOME)
    paths = {str(path.relative_to(home)): path for path in home.rglob("*")}
    return {
        name: (stat.S_IMODE(path.lstat().st_mode), path.read_bytes() if path.is_file() else b"")
        for name, path in paths.items()
        if not name.startswith(VOLATILE) and (not name.startswith(".claude/") or "settings" in path.name)
    }


def differing(one: Tree, other: Tree) -> list[str]:
    """The paths that are in only one of them, or not the same in both."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def seen(entry: tuple[int, bytes] | None) -> str:
    """Mode and size, in words for the table."""
    return "absent" if entry is None else f"mode {entry[0]:o}, {len(entry[1])} bytes"


def settings_of(claude: ClaudeBox) -> bytes | None:
    path = claude.box.here(SETTINGS)
    return path.read_bytes() if path.exists() else None
