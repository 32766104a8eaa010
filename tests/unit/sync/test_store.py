"""Keys, sealed objects and their sizes, addresses of remotes, and the store over real git."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import zlib
from pathlib import Path

import msgspec
import pytest

from carryover.errors import UserError
from carryover.faces.cli.main import main
from carryover.paths import StateDir
from carryover.sync.address import normalised, usable_address, without_credentials
from carryover.sync.folder import SyncFolder
from carryover.sync.manifest import Part, Segment, opened_segment, sealed_segment
from carryover.sync.membership import leave
from carryover.sync.payload import LARGEST_PAYLOADS, Payload, SyncedEvent, SyncedSession
from carryover.sync.sealing import (
    LARGEST,
    Epoch,
    MachineKey,
    Unreadable,
    inflated,
    new_epoch,
    new_identity,
    open_sealed,
    seal,
    seal_to,
)
from carryover.sync.store import GitStore, StoreTrouble
from support.repository import git
from support.shared_file import ssh_key
from support.tools import program


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_ssh_key_can_be_a_machines_key(tmp_path: Path, kind: str) -> None:
    ssh_key(tmp_path / "id", kind)
    key = MachineKey(new_identity(), ssh_key=str(tmp_path / "id"))

    assert "bob@work" not in key.recipient
    assert key.open(seal_to(key.recipient, b"content")) == b"content"
    with pytest.raises(Unreadable):
        MachineKey(new_identity()).open(seal_to(key.recipient, b"content"))


def test_an_ssh_key_with_a_passphrase_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ssh_key(tmp_path / "id", "ed25519", "secret words")
    store = tmp_path / "store.git"
    subprocess.run(["git", "init", "-q", "--bare", str(store)], check=True)

    assert main(["sync", "init", str(store), "--ssh-key", str(tmp_path / "id")]) == 5

    assert "without a passphrase" in capsys.readouterr().err
    assert not (Path.home() / ".carryover" / "sync").exists()


def test_a_damaged_file_is_named_and_synchronising_can_be_ended(tmp_path: Path) -> None:
    folder = SyncFolder(StateDir(tmp_path))
    folder.path.mkdir()
    (folder.path / "settings.json").write_bytes(b'{"remote":"/r","machine":"0123456789abcdef","name":"m"}')
    for name, read in (("state.json", folder.state), ("key", folder.key), ("settings.json", folder.settings)):
        (folder.path / name).write_bytes(b'{"store":"\xff"}')
        with pytest.raises(UserError, match=f"{name} is damaged"):
            read()
    leave(StateDir(tmp_path), delete=False)
    assert not folder.is_set_up


def test_without_pyrage_each_action_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    monkeypatch.chdir(tmp_path)

    assert main(["sync", "init", str(tmp_path / "store.git")]) == 5

    err = " ".join(capsys.readouterr().err.split())
    assert "Encrypting needs a package that is not installed: 'pyrage>=1.4,<2'. Nothing was changed. Run `" in err
    assert "[all]'`, then this again." in err


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("git@github.com:ann/shop.git", "https://ann:token@GitHub.com/ann/shop", True),
        ("ssh://git@github.com:22/ann/shop.git/", "git@github.com:ann/shop", True),
        ("file:///srv/store.git", "/srv/store", True),
        ("git@github.com:ann/shop", "git@github.com:bob/shop", False),
        ("ssh://host:2222/shop", "ssh://host/shop", False),
        ("https://[host/shop", " https://[host/shop", True),  # as somebody may have typed it into a repository's config
        ("file://[/shop", "/shop", False),
    ],
)
def test_ways_to_write_one_remote_are_the_same_and_others_are_not(one: str, other: str, same: bool) -> None:
    assert (normalised(one) == normalised(other)) is same


@pytest.mark.parametrize("address", ["ext::sh -c id", "-u", "", "--upload-pack=id", "fd::3", "a\nb"])
def test_an_address_that_would_run_something_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="not the address of a git remote"):
        usable_address(address)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 5_000,
        msgspec.msgpack.encode([{"version": 2}]),
        msgspec.msgpack.encode([{"events": [{"session": 0, "key": b"k" * 16, "at_ms": 1, "body": b""}]}]),
        msgspec.msgpack.encode([{"sessions": [{"agent": "", "native_id": "x"}]}]),
        msgspec.msgpack.encode([{"sessions": [{"agent": "a", "native_id": "x" * 2_000}]}]),
        msgspec.msgpack.encode([{"tombstones": [{"scope": b"short", "from_ms": 0, "until_ms": 1}]}]),
        msgspec.msgpack.encode([{"tombstones": [{"scope": b"k" * 16, "from_ms": -1, "until_ms": 1}]}]),
        b"\x91\xdf\xff\xff\xff\xff",
        b"\x91\x81\xa6events\xdd\xff\xff\xff\xff",
    ],
)
def test_what_is_not_exactly_a_payload_is_refused(data: bytes) -> None:
    epoch = new_epoch(1)
    segment, files = _segment(epoch, data)

    with pytest.raises(Unreadable, match="damaged"):
        opened_segment(segment, {epoch.id: epoch}, files.__getitem__)


def test_a_segment_that_inflates_to_more_than_it_may_is_refused() -> None:
    epoch = new_epoch(1)
    bomb = zlib.compress(bytes(LARGEST_PAYLOADS + 1), 9)

    with pytest.raises(Unreadable, match="larger than it may be"):
        inflated([bomb], LARGEST_PAYLOADS)
    assert len(bomb) < LARGEST
    assert open_sealed(epoch, "segment", seal(epoch, "segment", bomb)) == bomb


def test_an_object_serves_no_other_purpose_and_no_other_epoch() -> None:
    epoch, other = new_epoch(1), new_epoch(1)
    sealed = seal(epoch, "segment", b"content")

    with pytest.raises(Unreadable):
        open_sealed(epoch, "manifest", sealed)
    with pytest.raises(Unreadable):
        open_sealed(other, "segment", sealed)
    with pytest.raises(Unreadable):
        open_sealed(epoch, "segment", seal_to(epoch.recipient, b"from somebody who knows the recipient"))


def test_sizes_fall_into_few_classes() -> None:
    epoch = new_epoch(1)
    pyrage = importlib.import_module("pyrage")
    key = pyrage.x25519.Identity.from_str(epoch.secret)
    lengths = range(0, 60_000, 100)

    # What age adds has a random length, so it is taken off first.
    sizes = [len(pyrage.decrypt(seal(epoch, "segment", bytes(length)), [key])) for length in lengths]

    assert len(set(sizes)) <= 64
    assert all(size <= max(4096, 1.07 * (length + 64)) for length, size in zip(lengths, sizes, strict=True))


def test_a_prompt_larger_than_an_object_is_sent_in_parts() -> None:
    epoch = new_epoch(1)
    body = hashlib.shake_256(b"a prompt").digest(9 << 20)
    payload = Payload(sessions=(SyncedSession("a", "s"),), events=(SyncedEvent(0, b"k" * 16, 1, body),))

    segment, files = sealed_segment(epoch, [payload])

    assert [len(data) <= 4 << 20 for data in files.values()] == [True] * 3
    assert opened_segment(segment, {epoch.id: epoch}, files.__getitem__) == (payload,)


def _segment(epoch: Epoch, data: bytes) -> tuple[Segment, dict[str, bytes]]:
    sealed = seal(epoch, "segment", zlib.compress(data))
    part = Part("0" * 32, hashlib.sha256(sealed).digest())
    return Segment(epoch.id, (part,)), {part.path: sealed}


def test_a_part_names_no_other_file() -> None:
    listed = msgspec.msgpack.encode(["000001-" + "0" * 16, [["../../etc", bytes(32)]]])
    with pytest.raises(msgspec.ValidationError, match="regex"):
        msgspec.msgpack.decode(listed, type=Segment)


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


@pytest.mark.parametrize("name", ["refs/carryover/own.lock", "packed-refs.lock", "refs/store/00000000000000aa.lock"])
def test_a_lock_that_a_killed_git_left_is_removed_but_not_that_of_one_at_work(
    store: GitStore, tmp_path: Path, name: str
) -> None:
    first = store.commit(None, None, {"head": b"1"}, ())
    lock = tmp_path / "store" / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()

    store.fetch()
    assert lock.exists()
    os.utime(lock, (1, 1))
    store.fetch()
    assert not lock.exists()
    assert store.commit(first, first, {"head": b"2"}, ()) != first


def test_a_push_does_not_overwrite_what_this_machine_has_not_seen(store: GitStore, remote: Path) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    store.push(MACHINE, first, None)
    other = store.commit(None, None, {"head": b"2"}, [])

    with pytest.raises(StoreTrouble, match="was changed meanwhile"):
        store.push(MACHINE, other, None)

    for ref in ("refs/heads/main", f"refs/heads/{MACHINE}0", "refs/tags/v1"):
        git(remote, "update-ref", ref, first)
    assert store.fetch().commits == {MACHINE: first}
    store.push(MACHINE, other, first)
    assert store.fetch().commits == {MACHINE: other}
    store.push(MACHINE, None, other)
    assert store.fetch().commits == {}


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


def fake_git(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Path:
    """Puts a git first on PATH that does nothing; returns the file into which it writes what it was told."""
    program(folder / "bin" / "git", f'echo "$@" >> {folder}/seen', f"echo git version {version}")
    monkeypatch.setenv("PATH", f"{folder}/bin:/usr/bin:/bin")
    return folder / "seen"


def test_the_address_is_on_no_command_line_and_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = fake_git(tmp_path, monkeypatch, "2.39.2")
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
    # Git leaves it out of that message itself, but not of every one.
    assert without_credentials("fatal: https://ann:token@host/x refuses") == "fatal: https://host/x refuses"


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
        store.files(store.fetch().commits[MACHINE])


def test_files_that_no_machine_writes_are_left_out(store: GitStore, remote: Path) -> None:
    blob = git(remote, "hash-object", "-w", "-t", "blob", "--stdin", given="x").strip()
    names = ("head", "a\nreset main", '"quoted', "keys")
    rows = "".join(f"100644 blob {blob}\t{name}\0" for name in names)
    tree = git(remote, "mktree", "-z", given=rows).strip()
    git(remote, "update-ref", f"refs/heads/{MACHINE}", git(remote, "commit-tree", tree, "-m", "x").strip())

    assert set(store.files(store.fetch().commits[MACHINE])) == {"head"}


def test_a_git_that_is_too_old_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, monkeypatch, "2.30.2")

    with pytest.raises(StoreTrouble, match=r"needs git 2.31 or newer; this is git version 2.30.2"):
        GitStore(tmp_path / "store", "/srv/store.git").create()
