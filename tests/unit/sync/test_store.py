"""The store over real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from carryover.sync.store import GitStore, StoreTrouble
from support.repository import git

MACHINE = "0123456789abcdef"
PART = f"ab/{'0' * 30}"
KEYS = f"keys/{MACHINE}"


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
    first = store.commit(None, None, {"head": b"a\n\0b", PART: b"1", KEYS: b"k"}, [])
    second = store.commit(first, first, {"head": b"2"}, [KEYS])
    alone = store.commit(None, second, {"head": b"3"}, [])

    assert store.read(store.files(first)["head"]) == b"a\n\0b"
    assert set(store.files(second)) == {"head", PART}
    assert store.read(store.files(alone)["head"]) == b"3"
    assert store.read(store.files(alone)[PART]) == b"1"


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
    fake.write_text(f'#!/bin/sh\necho "$@" >> {seen}\necho git version 2.39.2\n')
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


def test_a_tree_that_holds_itself_a_million_times_fills_no_memory(
    store: GitStore, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.probe.git_command.LARGEST_ANSWER", 1 << 20)
    tree = git(remote, "hash-object", "-w", "-t", "blob", "--stdin", given="x").strip()
    kind = "100644 blob"
    for _ in range(6):
        rows = "".join(f"{kind} {tree}\t{number:02d}\n" for number in range(10))
        tree, kind = git(remote, "mktree", given=rows).strip(), "040000 tree"
    git(remote, "update-ref", f"refs/heads/{MACHINE}", git(remote, "commit-tree", tree, "-m", "x").strip())

    with pytest.raises(StoreTrouble, match="holds more than any machine writes"):
        store.files(store.fetch()[MACHINE])


def test_files_that_no_machine_writes_are_left_out(store: GitStore, remote: Path) -> None:
    blob = git(remote, "hash-object", "-w", "-t", "blob", "--stdin", given="x").strip()
    names = ("head", "a\nreset main", '"quoted', "keys")
    rows = "".join(f"100644 blob {blob}\t{name}\0" for name in names)
    tree = git(remote, "mktree", "-z", given=rows).strip()
    git(remote, "update-ref", f"refs/heads/{MACHINE}", git(remote, "commit-tree", tree, "-m", "x").strip())

    assert set(store.files(store.fetch()[MACHINE])) == {"head"}


@pytest.mark.parametrize("version", ["2.25.1", "2.30.2"])
def test_a_git_that_is_too_old_is_said(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho git version {version}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")

    with pytest.raises(StoreTrouble, match=rf"needs git 2.31 or newer; this is git version {version}"):
        GitStore(tmp_path / "store", "/srv/store.git").create()
