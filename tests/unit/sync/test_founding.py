"""`sync init` while the network breaks, over real git."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from carryover.paths import StateDir
from carryover.sync.folder import Settings, SyncFolder
from carryover.sync.membership import initialise, own_log
from carryover.sync.store import StoreTrouble
from support.git_server import remote_at
from support.repository import git
from support.tools import program

ME, AGAIN = "a" * 16, "b" * 16


@pytest.mark.parametrize("connections", range(3))
def test_a_founding_that_is_cut_off_is_continued_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connections: int
) -> None:
    """What was pushed then is of this machine still: nobody else could add anyone to that store."""
    address, environment = remote_at(tmp_path / "remote.git")
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    state = StateDir(tmp_path / "state")
    settings = Settings(remote=address, machine=ME, name="laptop")
    working = (tmp_path / "ssh").read_text()
    left = tmp_path / "left"
    left.write_text("x" * connections)
    program(
        tmp_path / "ssh",
        f'[ -s "{left}" ] || {{ echo "ssh: Network is unreachable" >&2; exit 255; }}',
        f'printf %s "$(cut -c2- "{left}")" > "{left}"',
        *working.splitlines()[1:],
    )

    with pytest.raises(StoreTrouble, match="Network is unreachable"):
        initialise(state, settings, {}, now_ms=lambda: 1)
    assert not SyncFolder(state).is_set_up
    (tmp_path / "ssh").write_text(working)
    done = initialise(state, msgspec.structs.replace(settings, machine=AGAIN), {}, now_ms=lambda: 2)

    assert done.founded
    assert re.findall("refs/heads/.*", git(tmp_path / "remote.git", "for-each-ref")) == [f"refs/heads/{done.machine}"]
    with own_log(state, lambda: 3) as own:
        assert own.read().problems == {} and own.state.own is not None
        assert own.state.own.machine == done.machine
