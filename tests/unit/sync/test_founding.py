"""`sync init` while the network breaks, over real git."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from carryover.actions.syncing import initialise_sync
from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.past.context import state_dir
from carryover.sync.folder import SyncFolder
from carryover.sync.own_log import own_log
from support.git_server import remote_at
from support.repository import git
from support.tools import program

ME = "a" * 16


@pytest.mark.parametrize(("connections", "arrives"), [(0, "false"), (1, "false"), (1, "true")])
def test_a_founding_that_is_cut_off_is_continued_by_the_next_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connections: int, arrives: str
) -> None:
    """What was pushed then is of this machine still, also if the answer was lost: else it would ask for ever."""
    address, environment = remote_at(tmp_path / "remote.git")
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("carryover.actions.syncing.secrets.token_hex", lambda _: ME)
    working = (tmp_path / "ssh").read_text()
    left = tmp_path / "left"
    left.write_text("x" * connections)
    program(
        tmp_path / "ssh",
        "for last; do :; done",
        f'[ -s "{left}" ] || {{ {arrives} && sh -c "$last"; echo ssh: Network is unreachable >&2; exit 255; }}',
        f'printf %s "$(cut -c2- "{left}")" > "{left}"',
        'exec sh -c "$last"',
    )

    with pytest.raises(UserError, match="Network is unreachable"):
        initialise_sync(address, name="laptop")
    assert bool(git(tmp_path / "remote.git", "for-each-ref")) is (arrives == "true")
    assert SyncFolder(state_dir()).is_set_up is (connections > 0)
    (tmp_path / "ssh").write_text(working)
    if connections == 0:
        initialise_sync(address, name="laptop")
    with own_log(state_dir(), utc_now_ms) as own:
        own.read()
        own.publish()

    assert re.findall("refs/heads/.*", git(tmp_path / "remote.git", "for-each-ref")) == [f"refs/heads/{ME}"]
    with own_log(state_dir(), utc_now_ms) as own:
        own.read()
        assert own.asking == {}
        assert own.state.own.sequence > 0


def test_an_empty_address_is_not_the_folder_that_the_command_runs_in(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    with pytest.raises(UserError, match="is empty") as refused:
        initialise_sync(" ", name="laptop")

    assert refused.value.code == ExitCode.USAGE
    assert not [*Path().iterdir()]
    assert not SyncFolder(state_dir()).is_set_up
