"""The store over real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from carryover.sync.store import GitStore, StoreTrouble
from support.repository import git

MACHINE = "0123456789abcdef"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    return folder


@pytest.fixture
def store(tmp_path: Path, remote: Path) -> GitStore:
    made = GitStore(tmp_path / "store", str(remote))
    made.create()
    return made


def test_files_are_added_and_removed_by_commits(store: GitStore) -> None:
    first = store.commit(None, None, {"head": b"a\n\0b", "ab/cd": b"1", "keys/x": b"k"}, [])
    second = store.commit(first, first, {"head": b"2"}, ["keys/x"])
    alone = store.commit(None, second, {"head": b"3"}, [])

    assert store.read(store.files(first)["head"]) == b"a\n\0b"
    assert set(store.files(second)) == {"head", "ab/cd"}
    assert store.read(store.files(alone)["head"]) == b"3"
    assert store.read(store.files(alone)["ab/cd"]) == b"1"


def test_a_push_does_not_overwrite_what_this_machine_has_not_seen(store: GitStore, remote: Path) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    store.push(MACHINE, first, None)
    other = store.commit(None, None, {"head": b"2"}, [])

    with pytest.raises(StoreTrouble, match="was changed meanwhile"):
        store.push(MACHINE, other, None)

    assert store.fetch() == {MACHINE: first}
    store.push(MACHINE, other, first)
    assert store.fetch() == {MACHINE: other}
    store.push(MACHINE, None, other)
    assert store.fetch() == {}


def test_refs_that_are_no_branches_of_machines_are_left_alone(store: GitStore, remote: Path) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    store.push(MACHINE, first, None)
    for ref in ("refs/heads/main", f"refs/heads/{MACHINE}0", "refs/tags/v1"):
        git(remote, "update-ref", ref, first)

    assert store.fetch() == {MACHINE: first}


def test_what_no_branch_has_any_more_goes_at_a_compaction(store: GitStore, tmp_path: Path) -> None:
    first = store.commit(None, None, {"head": b"forgotten"}, [])
    store.push(MACHINE, first, None)
    alone = store.commit(None, first, {"head": b"kept"}, [])
    store.push(MACHINE, alone, first)
    store.fetch()

    store.tidy(at_once=True)

    with pytest.raises(StoreTrouble):
        store.files(first)
    assert store.read(store.files(alone)["head"]) == b"kept"


def test_the_address_is_on_no_command_line_and_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexit 0\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    store = GitStore(tmp_path / "store", "https://ann:token@example.invalid/store")

    store.create()
    store.fetch()
    store.push(MACHINE, None, None)

    assert "fetch" in seen.read_text()
    assert "token" not in seen.read_text()


def test_a_remote_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    store = GitStore(tmp_path / "store", "https://ann:token@127.0.0.1:1/store")
    store.create()

    with pytest.raises(StoreTrouble, match="can't be reached") as caught:
        store.fetch()

    assert "token" not in str(caught.value)
