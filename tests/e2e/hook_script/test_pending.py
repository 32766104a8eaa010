"""Calls that no daemon accepts, of an agent without another readable record: the script keeps each in a file."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

import pytest

from agents.windsurf.talks import payload
from carryover.edits.hooks import hook_command
from carryover.paths import StateDir
from carryover.publish.hook_script import CWD_HEADER
from support.hook_script import QUIET, HookScript
from support.socket_server import Behaviour, SocketServer, answer, close, hang

EVENT: Final = "pre_user_prompt"
DATA: Final = payload(EVENT, user_prompt='Grüße: "100 %" \\n $HOME `id` it\'s')
NO_MORE_THAN: Final = 4 << 20


class Cascade(HookScript):
    def line(self, event: str) -> str:
        return hook_command(self.state.root, "windsurf", event)


@pytest.fixture
def sh(state: StateDir, home: Path, shell_folder: Path) -> Cascade:
    return Cascade(state, home, shell_folder)


@pytest.fixture
def here(state: StateDir, home: Path) -> Cascade:
    return Cascade(state, home)


def pending(state: StateDir) -> list[Path]:
    folder = state.spool / "windsurf" / "pending"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_call_is_kept_as_it_came_for_its_user_alone(sh: Cascade, project: Path) -> None:
    assert sh.said(EVENT, DATA, project) == QUIET

    (path,) = pending(sh.state)
    assert path.read_bytes() == f"{EVENT}\n{project}\n".encode() + DATA + b"\n"
    assert path.suffix == ".hook"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, sh.state.spool):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_daemon_that_took_it_is_given_the_folder_and_nothing_is_kept(sh: Cascade, project: Path) -> None:
    with SocketServer(sh.state.socket, answer(204)) as server:
        assert sh.said(EVENT, DATA, project) == QUIET

    (request,) = server.requests
    assert request.body == DATA
    assert request.headers[CWD_HEADER.lower()] == f"{project}/"
    assert pending(sh.state) == []


@pytest.mark.parametrize(
    "behave", [answer(503), answer(413), answer(500), close, hang], ids=["503", "413", "500", "closing", "hanging"]
)
def test_what_a_daemon_did_not_take_is_kept(here: Cascade, project: Path, behave: Behaviour) -> None:
    with SocketServer(here.state.socket, behave):
        run = here.run(EVENT, DATA, project)

    assert (run.out, run.err, run.code) == QUIET
    assert len(pending(here.state)) == 1


def test_while_paused_nothing_is_kept(sh: Cascade, project: Path) -> None:
    sh.state.paused.touch()

    assert sh.said(EVENT, DATA, project) == QUIET
    assert not sh.state.spool.exists()


def test_a_payload_may_be_large_and_one_that_is_too_large_meets_no_closed_pipe(sh: Cascade, project: Path) -> None:
    assert sh.said(EVENT, b"x" * NO_MORE_THAN, project) == QUIET
    assert len(pending(sh.state)) == 1

    assert sh.said(EVENT, b"x" * (NO_MORE_THAN * 4), project) == QUIET
    assert len(pending(sh.state)) == 1


@pytest.mark.parametrize("name", ['it\'s "odd" $HOME `id`', "-rf *", "grün", "ends in blank "])
def test_any_folder_is_named_as_it_is(sh: Cascade, project: Path, name: str) -> None:
    folder = project / name
    folder.mkdir()

    assert sh.said(EVENT, DATA, folder) == QUIET
    assert pending(sh.state)[0].read_bytes().split(b"\n")[1] == str(folder).encode()


def test_a_folder_with_a_line_break_is_not_named(sh: Cascade, project: Path) -> None:
    folder = project / "a\nX-Carryover-Secret: b"
    folder.mkdir()

    assert sh.said(EVENT, DATA, folder) == QUIET
    assert pending(sh.state)[0].read_bytes() == f"{EVENT}\n\n".encode() + DATA + b"\n"


def test_it_stops_where_enough_waits(sh: Cascade, project: Path) -> None:
    assert sh.said(EVENT, DATA, project) == QUIET
    (sh.state.spool / "windsurf" / "pending" / "large.hook").write_bytes(b"x" * (65 << 20))

    assert sh.said(EVENT, DATA, project) == QUIET
    assert len(pending(sh.state)) == 2


def test_other_agents_calls_are_not_kept(state: StateDir, home: Path, project: Path) -> None:
    assert HookScript(state, home).said("Stop", DATA, project) == QUIET
    assert not state.spool.exists()
