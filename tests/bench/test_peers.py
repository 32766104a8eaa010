"""Other programs beside Carryover: measured where they are installed, named where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import peer_programs
from bench.corpus import Corpus, make_corpus
from bench.one_session import one_session
from bench.peer_programs import Peer
from bench.peers import HEAD, Job, peers

PEER = Peer("other-program", "1.0")
JOB = Job(PEER, ("{projects}", "{out}"), "everything", "a list")


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_programs, "_succeeds", lambda _: False)


def installed(cache: Path, script: str) -> None:
    program = PEER.program(cache)
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_what_comes_out_of_a_program_is_counted_and_the_history_stays_as_it_was(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path)
    before = sorted(corpus.home.rglob("*"))
    installed(tmp_path / "cache", 'find "$1" -name "*.jsonl" | sort > "$2/list"; touch "$1/left-behind"')

    line = peers(corpus, tmp_path, tmp_path / "cache", [JOB]).removeprefix(f"{HEAD}\n")
    cells = [cell.strip() for cell in line.strip("|").split("|")]

    assert cells[:2] == ["other-program 1.0", "everything"]
    assert cells[5] == "1"
    assert cells[7:] == [str(len(corpus.files)), "a list"]
    assert sorted(corpus.home.rglob("*")) == before


def test_a_program_that_fails_is_named_with_its_exit_code(tmp_path: Path) -> None:
    installed(tmp_path / "cache", "exit 3")

    assert "| failed (3) |" in peers(_corpus(tmp_path), tmp_path, tmp_path / "cache", [JOB])


@pytest.mark.usefixtures("no_registry")
def test_a_program_that_cannot_be_fetched_is_skipped_and_named(tmp_path: Path) -> None:
    table = peers(_corpus(tmp_path), tmp_path, tmp_path / "cache", [JOB])

    assert "| other-program 1.0 | everything | skipped, not installed" in table


def test_a_session_is_handed_over_in_turns_with_another_program(tmp_path: Path) -> None:
    installed(tmp_path / "cache", 'wc -l < "$1"')

    rows = list(one_session(tmp_path, 0.2, 1, tmp_path / "cache", PEER))

    assert [row.key for row in rows if row.key and row.ratio] == ["one-session"]
    assert 10 < int(rows[-1].product.split()[0]) <= 50
    assert rows[-1].floor.startswith("1 lines")


def _corpus(tmp_path: Path) -> Corpus:
    return make_corpus(tmp_path / "home", megabytes=0.3, seed=1, now_ms=1_700_000_000_000)
