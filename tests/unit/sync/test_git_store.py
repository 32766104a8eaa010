"""A store in a git remote, over real git."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from collections.abc import Collection
from functools import partial
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count, islice
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from carryover.errors import UserError
from carryover.probe.git_command import GitAnswer, in_store
from carryover.sync.git_store import GitStore, store_at
from carryover.sync.store import FolderStore, Store
from support.git_server import pack_with_a_large_file, remote_at, remote_that_sends
from support.repository import git
from support.tools import program

ME: Final = "0123456789abcdef"
OTHER: Final = "fedcba9876543210"
BRANCH: Final = f"refs/heads/{ME}"
ONE: Final = "1" * 32
TWO: Final = "2" * 32


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote.git"


@pytest.fixture
def address(remote: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found, environment = remote_at(remote)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    return found


@pytest.fixture
def store(tmp_path: Path, address: str) -> GitStore:
    made = GitStore(tmp_path / "store", address, ME)
    made.fetch()
    return made


@pytest.fixture
def other(tmp_path: Path, address: str) -> GitStore:
    """Another machine's."""
    made = GitStore(tmp_path / "two", address, OTHER)
    made.fetch()
    return made


def write(store: Store, files: dict[str, bytes], names: Collection[str] | None = None) -> None:
    for name, data in files.items():
        store.put(name, data)
    store.publish(files if names is None else names)


def planted(remote: Path, rows: str, branch: str = OTHER) -> str:
    """Puts a commit into the remote whose tree has these rows; returns its id."""
    tree = git(remote, "mktree", "-z", given=rows).strip()
    commit = git(remote, "commit-tree", tree, "-m", "x").strip()
    git(remote, "update-ref", f"refs/heads/{branch}", commit)
    return commit


def blob(remote: Path, text: str = "x") -> str:
    return git(remote, "hash-object", "-w", "-t", "blob", "--stdin", given=text).strip()


def test_files_are_added_replaced_and_removed(store: GitStore, other: GitStore, remote: Path) -> None:
    write(store, {"key": b"k", ONE: b"part", "head": b"a\n\0b"})

    assert set(other.fetch().machines) == {ME}
    assert (other.read(ME, "head"), other.read(ME, ONE)) == (b"a\n\0b", b"part")
    write(store, {"head": b"2", TWO: b"more"}, {"key", "head", TWO})
    assert store.read(ME, TWO) == b"more"
    other.fetch()
    assert (other.read(ME, "head"), other.read(ME, ONE)) == (b"2", None)
    assert store.fetch().own == {"key": 1, "head": 1, TWO: 4}
    git(remote, "fsck", "--strict", "--full")
    write(store, {})
    assert store.fetch().own == {} and len(git(remote, "rev-list", ME).split()) == 1


def test_what_a_remote_refuses_is_left_out(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings").write_text("[push]\n  pushOption = ci.skip\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    store = GitStore(tmp_path / "store", address, ME)
    store.fetch()
    write(store, {"head": b"1"})
    assert store.fetch().own == {"head": 1}


def test_what_did_not_change_is_not_fetched_again(
    tmp_path: Path, store: GitStore, other: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, {"head": b"1"})
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))

    for _ in range(2):
        other.fetch()
    assert (tmp_path / "trace").read_text().count("trace: built-in: git fetch ") == 1


def test_a_commit_says_neither_who_nor_when(store: GitStore, remote: Path) -> None:
    write(store, {"head": b"1"})

    shown = git(remote, "log", "-1", "--format=%an %ae %at %cn %ce %ct %s", ME)
    assert shown.split() == ["carryover", "carryover", "0", "carryover", "carryover", "0", "sync"]


def test_what_is_written_without_a_former_file_has_no_history(store: GitStore, remote: Path) -> None:
    """After a forget, so that the remote's own clean-up can remove what was forgotten."""
    for name in (ONE, TWO):
        write(store, {name: b"part", "head": name.encode()}, {ONE, TWO, "head"} if name == TWO else {ONE, "head"})
    assert len(git(remote, "rev-list", ME).split()) == 2

    write(store, {"head": b"3"}, {TWO, "head"})

    assert len(git(remote, "rev-list", ME).split()) == 1
    assert store.fetch().own == {TWO: 4, "head": 1}


def test_a_push_does_not_overwrite_what_this_machine_has_not_seen(
    tmp_path: Path, store: GitStore, address: str, remote: Path
) -> None:
    write(store, {"head": b"1"})
    for name in ("two", "three"):
        with pytest.raises(UserError, match="was changed meanwhile"):
            write(GitStore(tmp_path / name, address, ME), {"head": b"2"})
    for ref in ("refs/heads/main", f"{BRANCH}0", "refs/tags/v1"):
        git(remote, "update-ref", ref, ME)

    fetched = store.fetch()
    assert fetched.foreign in ("refs/heads/main", f"{BRANCH}0", "refs/tags/v1")
    assert fetched.own == {"head": 1}
    assert store.read(ME, "head") == b"1"


@pytest.mark.parametrize("name", ["packed-refs.lock", f"refs/store/{ME}.lock"])
def test_a_lock_that_a_killed_git_left_is_removed_but_not_that_of_one_at_work(
    store: GitStore, tmp_path: Path, name: str
) -> None:
    write(store, {"head": b"1"})
    lock = tmp_path / "store" / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()

    store.fetch()
    assert lock.exists()
    os.utime(lock, (1, 1))
    store.fetch()
    assert not lock.exists()
    write(store, {"head": b"2"})
    assert store.fetch().own == {"head": 1}


def has(folder: Path, blob_id: str) -> bool:
    here = ["git", "cat-file", "-e", blob_id]
    return subprocess.run(here, cwd=folder, check=False, capture_output=True).returncode == 0


def test_what_was_forgotten_is_not_kept_here_either(tmp_path: Path, store: GitStore, other: GitStore) -> None:
    """The keys that open it lie beside what git keeps, on both machines."""
    write(store, {"key": b"k", ONE: b"forgotten", "head": b"1"})
    other.fetch()
    gone = git(tmp_path / "store", "rev-parse", f"refs/store/{ME}:{ONE}").strip()
    assert has(tmp_path / "two", gone)

    write(store, {"key": b"k", "head": b"2"})
    write(store, {"key": b"k", "head": b"3"})
    other.fetch()

    assert (has(tmp_path / "store", gone), has(tmp_path / "two", gone)) == (False, False)
    assert store.read(ME, "head") == other.read(ME, "head") == b"3"


def test_what_a_machine_had_written_that_is_gone_from_the_store_goes_here(
    tmp_path: Path, store: GitStore, other: GitStore, remote: Path
) -> None:
    write(store, {ONE: b"forgotten", "head": b"1"})
    other.fetch()
    gone = git(tmp_path / "store", "rev-parse", f"refs/store/{ME}:{ONE}").strip()

    git(remote, "update-ref", "-d", BRANCH)
    other.fetch()

    assert not has(tmp_path / "two", gone)


def test_many_small_files_are_packed(tmp_path: Path, store: GitStore) -> None:
    """git (2.39) concludes from the number of those in one folder, `17`, that there are more than 2,000."""
    parts = (b"part %d" % number for number in count())
    of_folder = (part for part in parts if sha1(b"blob %d\0%s" % (len(part), part)).hexdigest().startswith("17"))
    written = {f"{number:032x}": part for number, part in enumerate(islice(of_folder, 9))}
    packs = tmp_path / "store" / "objects"

    write(store, dict(list(written.items())[:8]))
    store.fetch()
    assert list(packs.rglob("*.pack")) == []

    write(store, written)
    store.fetch()
    assert [file.suffix for file in packs.rglob("*.pack")] == [".pack"]
    assert {name: store.read(ME, name) for name in written} == written


def test_a_branch_that_git_refuses_is_said_until_it_is_gone(store: GitStore, other: GitStore, remote: Path) -> None:
    write(store, {"head": b"1"})
    planted(remote, f"100644 blob {blob(remote)}\t.git\0")

    with pytest.raises(UserError, match="hasDotgit"):
        store.fetch()
    git(remote, "update-ref", "-d", f"refs/heads/{OTHER}")
    write(other, {"head": b"1"})
    assert set(store.fetch().machines) == {ME, OTHER}


def test_what_is_written_while_it_is_fetched_is_taken_as_it_came(tmp_path: Path, address: str, other: GitStore) -> None:
    write(other, {ONE: b"", "head": b"1"})

    def late(folder: Path, *command: str, **how: Any) -> GitAnswer:
        answer = in_store(folder, *command, **how)
        if command[0] == "ls-remote":
            write(other, {"head": b"new"})
        return answer

    store = GitStore(tmp_path / "store", address, ME, git=late)
    assert set(store.fetch().machines) == {OTHER}
    assert store.read(OTHER, "head") == b"new"


def test_an_own_branch_that_somebody_replaced_is_put_back(store: GitStore, other: GitStore, remote: Path) -> None:
    write(other, {"head": b"theirs"})
    write(store, {"head": b"mine"})
    planted(remote, f"100644 blob {blob(remote)}\thead\0", ME)

    store.fetch()
    write(store, {"head": b"mine again"})

    assert store.fetch().own == {"head": 10}
    assert store.read(OTHER, "head") == b"theirs"


def test_a_tree_that_holds_itself_a_million_times_fills_no_memory(store: GitStore, remote: Path) -> None:
    tree, kind = blob(remote), "100644 blob"
    for _ in range(6):
        rows = "".join(f"{kind} {tree}\t{number:02d}\0" for number in range(10))
        tree, kind = git(remote, "mktree", "-z", given=rows).strip(), "040000 tree"
    planted(remote, f"{kind} {tree}\t{ONE}\0")
    planted(remote, f"{kind} {tree}\t{ONE}\0", ME)

    assert store.fetch().own == {}
    assert store.read(OTHER, ONE) is None


def test_a_branch_of_more_files_than_an_answer_may_have_fills_no_memory(
    tmp_path: Path, address: str, remote: Path
) -> None:
    one = blob(remote)
    planted(remote, "".join(f"100644 blob {one}\t{number:032d}\0" for number in range(2_000)), ME)

    with pytest.raises(UserError, match="holds more than any machine writes"):
        GitStore(tmp_path / "store", address, ME, git=partial(in_store, most_bytes=1 << 16)).fetch()


def test_a_remote_of_more_branches_than_machines_can_have_is_given_up(store: GitStore, remote: Path) -> None:
    commit = planted(remote, "")
    (remote / "packed-refs").write_text("".join(f"{commit} refs/pull/{number}/head\n" for number in range(10_000)))

    with pytest.raises(UserError, match="holds more than any machine writes"):
        store.fetch()


def test_a_few_bytes_that_stand_for_a_large_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a delta that copies the same again and again; of a gigabyte, git would hold all in memory."""
    pack, commit = pack_with_a_large_file(160)
    assert len(pack) < 10_000
    address, environment = remote_that_sends(tmp_path, OTHER, pack, commit)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)

    store = GitStore(tmp_path / "store", address, ME)

    with pytest.raises(UserError, match="over limit"):
        store.fetch()
    assert store.read(OTHER, "head") is None


def test_nothing_stays_of_a_pack_whose_transfer_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise each try would leave what had arrived, until the disk is full."""
    pack, commit = pack_with_a_large_file(1)
    address, environment = remote_that_sends(tmp_path, OTHER, pack[:-30], commit)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    store = GitStore(tmp_path / "store", address, ME)
    packs = tmp_path / "store" / "objects" / "pack"

    with pytest.raises(UserError, match="early EOF"):
        store.fetch()
    assert list(packs.iterdir()) == []
    left, at_work = packs / "tmp_pack_aaaaaa", packs / "tmp_idx_bbbbbb"
    left.write_bytes(b"of a git that was killed")
    os.utime(left, (1, 1))
    at_work.touch()
    (tmp_path / "listed").write_bytes(b"0000")
    store.fetch()
    assert list(packs.iterdir()) == [at_work]


def test_files_that_no_machine_writes_are_left_out_and_links_lead_nowhere(store: GitStore, remote: Path) -> None:
    names = ("head", "a\nreset main", '"quoted', "keys", "0" * 31, f"x{ONE}")
    link = f"120000 blob {blob(remote, '/etc/passwd')}\tkey\0"
    planted(remote, link + "".join(f"100644 blob {blob(remote)}\t{name}\0" for name in names), ME)

    assert store.fetch().own == {"head": 1, "key": 11}
    assert store.read(ME, "key") == b"/etc/passwd"


def fake_git(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Path:
    """Puts a git first on PATH that does nothing; returns the file into which it writes what it was told."""
    program(folder / "bin" / "git", f'echo "$@" >> {folder}/seen', f"echo git version {version}")
    monkeypatch.setenv("PATH", f"{folder}/bin:/usr/bin:/bin")
    return folder / "seen"


def test_the_address_is_on_no_command_line_and_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = fake_git(tmp_path, monkeypatch, "2.39.2")
    store = GitStore(tmp_path / "store", "https://ann:token@example.invalid/store", ME)

    store.fetch()
    store.publish(())

    assert "ls-remote" in seen.read_text() and "push" in seen.read_text()
    assert "token" not in seen.read_text()


@pytest.mark.parametrize(("written", "password"), [("to%2Fk@n", "to/k@n"), ("to/k%40n", "to/k@n")])
def test_a_password_in_the_address_is_on_the_command_line_of_no_program_that_git_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, password: str
) -> None:
    """Other users of the machine can read those. The server gets it, after it has asked for one."""
    login = "Basic " + b64encode(f"ann:{password}".encode()).decode()
    given: list[str | None] = []

    class Asking(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.append(self.headers["Authorization"])
            self.send_response(404 if given[-1] else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="store"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text('[credential]\n\thelper = "!echo username=bob; echo password=other; :"\n')
    with HTTPServer(("127.0.0.1", 0), Asking) as server:
        Thread(target=server.serve_forever).start()
        store = GitStore(tmp_path / "store", f"http://ann:{written}@127.0.0.1:{server.server_port}/store", ME)
        with pytest.raises(UserError, match="can't be reached") as caught:
            store.fetch()
        server.shutdown()

    assert given == [None, login]
    trace = (tmp_path / "trace").read_text()
    assert "remote-http store http://127.0.0.1" in trace
    for text in (trace, str(caught.value)):
        assert "to%2Fk" not in text and "to/k" not in text


def test_a_remote_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    store = GitStore(tmp_path / "store", "https://ann:token@127.0.0.1:1/store", ME)

    with pytest.raises(UserError, match="can't be reached") as caught:
        store.fetch()

    assert "token" not in str(caught.value)


def test_a_remote_that_never_answers_is_given_up_after_two_minutes(tmp_path: Path) -> None:
    """git has no limit of its own for ssh."""
    waits_s: list[float] = []

    def silent(folder: Path, *command: str, timeout_s: float, **given: Any) -> GitAnswer:
        if command[0] != "ls-remote":
            return in_store(folder, *command, timeout_s=timeout_s, **given)
        waits_s.append(timeout_s)
        raise TimeoutError

    with pytest.raises(UserError, match="did not end in time"):
        GitStore(tmp_path / "store", "ssh://host/store", ME, git=silent).fetch()
    assert waits_s == [120]


@pytest.mark.parametrize("address", ["/srv/store", "file:///srv/store", "file:///srv/st%6Fre"])
def test_git_never_runs_in_a_folder_that_others_write_into(tmp_path: Path, address: str) -> None:
    """Its configuration and its hooks would run as this user."""
    assert isinstance(store_at(tmp_path, address, ME), FolderStore)
    with pytest.raises(UserError, match="transport 'file' not allowed"):
        GitStore(tmp_path / "store", address, ME).fetch()


def test_nothing_is_begun_in_git_once_the_daemon_stops(store: GitStore) -> None:
    """Else what was not read would be taken for missing, and a push may take an hour."""
    write(store, {"head": b"1"})
    store.end()

    puts, says = (lambda: store.put("head", b"2"), lambda: store.publish({"head"}))
    for use in (store.fetch, lambda: store.read(ME, "head"), puts, says):
        with pytest.raises(UserError, match="synchronising was ended"):
            use()
