from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from carryover.adapter.contract import Agent, HookEvent, HookProtocol
from carryover.adapter.spec import SPOOL
from carryover.agents.codex.adapter import AGENT as CODEX
from carryover.ingest.spool import MAX_AGENT_BYTES, MAX_SESSION_BYTES, Spool, SpoolFull, collect_pending
from carryover.model import Skipped
from carryover.paths import StateDir
from carryover.transcript.spooled import SpooledCall, copy_beside
from support.clock import LATER_MS


def read(event: str, payload: bytes) -> HookEvent | Skipped:
    given = payload.strip().strip(b'"').decode()
    if given.startswith("/"):
        return HookEvent(action="turn_end", session="s1", transcript=given)
    return HookEvent(action="hint", session="s1") if given.startswith("call") else Skipped("hook", "not ours")


@pytest.fixture
def spool(home: Path) -> Spool:
    return Spool(StateDir(home / ".carryover"))


@pytest.fixture
def agent() -> Agent:
    """One whose calls are kept, and whose payloads are a word each."""
    spec = msgspec.structs.replace(CODEX.spec, transcripts=(SPOOL,))
    hooks = HookProtocol(read=read, answer=str.encode, layout_root=Path)
    return replace(CODEX, spec=spec, hooks=hooks)


@pytest.fixture
def pend(spool: Spool) -> Callable[..., Path]:
    """Leaves a pending call as `hook.sh` does, `number` seconds after the first."""

    def put(number: int, payload: str, *, name: str = "", event: str = "stop") -> Path:
        path = spool.folder("codex") / "pending" / (name or f"{9 - number}.hook")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{event}\n/home/dev/shop\n"{payload}"\n')
        os.utime(path, (1_000 + number, 1_000 + number))
        return path

    return put


def calls(spool: Spool) -> list[SpooledCall]:
    lines = (spool.folder("codex") / "s1.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=SpooledCall) for line in lines]


def payloads(spool: Spool) -> list[Any]:
    return [msgspec.json.decode(call.payload) for call in calls(spool)]


def test_lines_are_appended_for_their_user_alone(spool: Spool, home: Path) -> None:
    before = os.umask(0)
    try:
        path = spool.keep("codex", "s1", b"one\n")
        spool.keep("codex", "s1", b"two\n")
    finally:
        os.umask(before)

    assert path == home / ".carryover" / "spool" / "codex" / "s1.jsonl"
    assert path.read_bytes() == b"one\ntwo\n"
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_a_write_that_fails_leaves_the_file_as_it_was(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = spool.keep("codex", "s1", b"one\n")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    with pytest.raises(OSError) as raised:
        spool.keep("codex", "s1", b"two\n")
    monkeypatch.undo()

    assert raised.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"one\n"
    spool.keep("codex", "s1", b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("session", ["", "../s1", "a/b", ".s1", "a.b", "x" * 101, "s\n1"])
def test_a_session_is_no_way_to_another_file(spool: Spool, session: str) -> None:
    with pytest.raises(ValueError):
        spool.keep("codex", session, b"one\n")
    assert not spool.folder("codex").parent.exists()


def test_a_link_is_not_followed(spool: Spool, tmp_path: Path) -> None:
    path = spool.keep("codex", "s1", b"one\n")
    path.unlink()
    path.symlink_to(tmp_path / "theirs")

    with pytest.raises(OSError):
        spool.keep("codex", "s1", b"two\n")
    assert not (tmp_path / "theirs").exists()


def test_a_session_holds_so_much_and_no_more(spool: Spool) -> None:
    path = spool.keep("codex", "s1", b"one\n")
    with path.open("r+b") as file:
        file.seek(MAX_SESSION_BYTES - 5)
        file.write(b"\n")
    spool.keep("codex", "s1", b"two\n")

    with pytest.raises(SpoolFull):
        spool.keep("codex", "s1", b"six\n")
    assert path.stat().st_size == MAX_SESSION_BYTES
    assert path.read_bytes().endswith(b"\ntwo\n")


def test_what_has_rested_longest_goes_first_and_the_newest_never(spool: Spool) -> None:
    paths = [spool.keep("codex", f"s{number}", b"four") for number in range(3)]
    for number, path in zip((2, 1, 3), paths, strict=True):
        os.truncate(path, MAX_AGENT_BYTES // 3)
        os.utime(path, (number, number))

    newest = spool.keep("codex", "s9", b"four")
    assert [path.exists() for path in (*paths, newest)] == [True, False, True, True]

    for path in (paths[0], paths[2], newest):  # by a clock that is ahead, the next one has rested longest
        os.truncate(path, MAX_AGENT_BYTES + 1)
        os.utime(path, (LATER_MS, LATER_MS))
    last = spool.keep("codex", "s10", b"four")
    assert [path.name for path in last.parent.iterdir()] == [last.name]


def test_what_is_pending_is_collected_oldest_first(spool: Spool, agent: Agent, pend: Callable[..., Path]) -> None:
    for number in (1, 0, 2):
        pend(number, f"call {number}")

    assert spool.collect(agent) == []

    first = calls(spool)[0]
    assert payloads(spool) == ["call 0", "call 1", "call 2"]
    assert (first.event, first.at_ms, first.cwd) == ("stop", 1_000_000, "/home/dev/shop")
    assert list((spool.folder("codex") / "pending").iterdir()) == []
    assert spool.collect(agent) == []


def test_what_is_not_understood_is_counted_and_goes(
    spool: Spool, agent: Agent, pend: Callable[..., Path], tmp_path: Path
) -> None:
    pend(0, "words")
    pend(1, "call", event="no event")
    pend(2, "call 2")
    (spool.folder("codex") / "pending" / "link.hook").symlink_to(tmp_path)

    assert spool.collect(agent) == [Skipped("hook", "not ours")]
    assert payloads(spool) == ["call 2"]
    assert list((spool.folder("codex") / "pending").iterdir()) == []
    assert tmp_path.exists()


def test_what_is_being_written_is_left_and_what_was_left_over_goes(
    spool: Spool, agent: Agent, pend: Callable[..., Path]
) -> None:
    old, new = pend(0, "call", name=".aaaa"), pend(1, "call", name=".bbbb")
    os.utime(new)

    assert spool.collect(agent) == []
    assert (old.exists(), new.exists()) == (False, True)


def test_what_cannot_be_kept_now_waits(
    spool: Spool, agent: Agent, pend: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pend(0, "call 0")
    monkeypatch.setattr(os, "write", Mock(side_effect=OSError(errno.ENOSPC, "no space")))
    assert collect_pending(spool, {"codex": agent}, ["codex", "codex"]) == {}
    assert path.exists()

    monkeypatch.undo()
    assert collect_pending(spool, {"codex": agent}, ["codex"]) == {"codex": []}
    assert payloads(spool) == ["call 0"]


def test_the_transcript_that_a_call_names_is_copied(
    spool: Spool, agent: Agent, pend: Callable[..., Path], tmp_path: Path
) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_bytes(b"rows\n")
    pend(0, str(transcript))
    spool.collect(agent)
    path = spool.folder("codex") / "s1.jsonl"
    copy = copy_beside(path)
    assert (copy.read_bytes(), stat.S_IMODE(copy.stat().st_mode)) == (b"rows\n", 0o600)

    transcript.write_bytes(b"rows\nmore\n")
    spool.finish_turn(path, str(transcript))
    transcript.unlink()
    transcript.symlink_to("/etc/hostname")
    spool.finish_turn(path, str(transcript))
    assert copy.read_bytes() == b"rows\nmore\n"
