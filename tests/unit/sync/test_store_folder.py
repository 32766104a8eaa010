"""Whoever can write into a store's folder can neither start a program by it nor lead Carryover out of it, and git and
other machines use the folder at the same time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from carryover.probe.git_command import end_in_store
from carryover.sync.store import File, GitStore, StoreTrouble
from support.repository import git
from support.tools import program

ME: Final = "0123456789abcdef"
OTHER: Final = "fedcba9876543210"
HEAD_OF_ME: Final = f"refs/heads/{ME}"
HOOKS: Final = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg"),
    *("commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "pre-receive", "update"),
    *("proc-receive", "post-receive", "post-update", "reference-transaction", "push-to-checkout", "pre-auto-gc"),
    *("post-rewrite", "sendemail-validate", "fsmonitor-watchman", "p4-changelist", "p4-prepare-changelist"),
    *("p4-post-changelist", "p4-pre-submit", "post-index-change"),
)
"""All of githooks(5) in git 2.39."""
UNDOCUMENTED: Final = (
    *(
        "core.alternateRefsCommand",
        "core.gitProxy",
        "core.worktree",
        "extensions.worktreeConfig",
        "gc.recentObjectsHook",
    ),
    *("filter.d.process", "include.path", "receive.procReceiveRefs", "uploadpack.packObjectsHook", "hook.x.command"),
)


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """What is there only once a planted program has run."""
    program(tmp_path / "planted", f"touch {tmp_path}/trapped")
    return tmp_path / "trapped"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "store.git")
    return tmp_path / "store.git"


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> GitStore:
    return machine(tmp_path / "one", folder)


def machine(home: Path, folder: Path | str) -> GitStore:
    home.mkdir(exist_ok=True)
    made = GitStore(home / "store", str(folder))
    made.create()
    return made


def content(store: GitStore, commit: str) -> dict[str, bytes]:
    return {path: store.read(file) for path, file in store.files(commit).items()}


def everything(store: GitStore) -> None:
    """All that Carryover ever does with a remote."""
    assert store.remote_refs() == []
    first = store.commit(None, None, {"head": b"1", f"ab/{'0' * 30}": b"part"}, [])
    store.push(ME, first, None)
    assert store.fetch() == ({ME: first}, {})
    second = store.commit(first, first, {"head": b"2"}, [])
    store.push(ME, second, first)
    alone = store.commit(None, second, {"head": b"3"}, [])
    store.push(ME, alone, second)
    assert store.fetch().commits == {ME: alone}
    store.tidy(at_once=True)
    assert store.remote_refs() == [HEAD_OF_ME]
    store.push(ME, None, alone)
    assert store.fetch().commits == {}


def worktree_with_monitor(folder: Path, planted: Path) -> None:
    folder.with_name("work").mkdir()
    settings = {
        "core.bare": "false",
        "core.worktree": str(folder.with_name("work")),
        "receive.denyCurrentBranch": "updateInstead",
        "core.fsmonitor": str(planted),
    }
    for key, text in settings.items():
        git(folder, "config", key, text)
    (folder / "HEAD").write_text(f"ref: {HEAD_OF_ME}\n")


def hooks(folder: Path, planted: Path) -> None:
    (folder / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(planted, folder / "hooks" / name)


def included(folder: Path, planted: Path) -> None:
    worktree_with_monitor(folder, planted)
    (folder / "config").rename(folder / "more")
    (folder / "config").write_text("[include]\n\tpath = more\n")


def refs_of_alternates(folder: Path, planted: Path) -> None:
    git(folder.parent, "init", "--quiet", "--bare", "alternate.git")
    (folder / "objects" / "info" / "alternates").write_text("../../alternate.git/objects\n")
    git(folder, "config", "core.alternateRefsCommand", str(planted))


@pytest.mark.parametrize("plant", [worktree_with_monitor, hooks, included, refs_of_alternates])
def test_what_git_would_run_in_a_shared_folder_is_not_run(
    store: GitStore, folder: Path, trap: Path, plant: Callable[[Path, Path], None]
) -> None:
    plant(folder, trap.with_name("planted"))

    everything(store)

    assert not trap.exists()
    first, second = (store.commit(None, None, {"head": text}, []) for text in (b"a", b"b"))
    for commit in (first, second):
        given = ["git", "push", "--quiet", "--force", str(folder), f"{commit}:{HEAD_OF_ME}"]
        subprocess.run(given, cwd=trap.parent / "one" / "store", check=False, capture_output=True)
    assert trap.exists(), "git itself would have run it"


def test_no_setting_that_git_knows_means_anything_in_a_shared_folder(store: GitStore, folder: Path, trap: Path) -> None:
    """Git refuses most of these values: if it ran there with any of them, nothing could be done."""
    keys = [*subprocess.check_output(["git", "help", "-c"], text=True).splitlines(), *UNDOCUMENTED]
    written = []
    for key in keys:
        section, _, rest = key.partition(".")
        middle, _, name = rest.rpartition(".")
        last = name.strip("<>*").replace("_", "") or "x"
        heading = f'[{section} "{middle.strip("<>*") or "x"}"]' if middle else f"[{section}]"
        written.append(f"{heading}\n\t{last} = {trap.with_name('planted')}\n")
    (folder / "config").write_text("".join(written))
    hooks(folder, trap.with_name("planted"))

    everything(store)

    assert len(written) > 500 and not trap.exists()
    assert subprocess.run(["git", "rev-parse", "--git-dir"], cwd=folder, check=False, capture_output=True).returncode


def test_git_is_not_told_of_the_folder(
    tmp_path: Path, store: GitStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    program(tmp_path / "bin" / "git", f'(echo "$PWD $@"; env) >> {tmp_path}/told', f'exec {real} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    everything(store)

    assert f"{tmp_path}/one/store" in (tmp_path / "told").read_text()
    assert str(folder) not in (tmp_path / "told").read_text()


def objects_of(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "objects").rglob("*")) if path.is_file() and len(path.name) == 38]


def private_object(tmp_path: Path) -> tuple[Path, str]:
    """A repository of the user's, and the id of a commit in it."""
    git(tmp_path, "init", "--quiet", "--bare", "private.git")
    private = machine(tmp_path / "two", tmp_path / "private.git")
    commit = private.commit(None, None, {"head": b"private"}, [])
    private.push(OTHER, commit, None)
    return tmp_path / "private.git", commit


@pytest.mark.parametrize("way", ["alternates", "link to objects", "link to packs", "link to each"])
def test_a_shared_folder_leads_to_no_other_repository(tmp_path: Path, store: GitStore, folder: Path, way: str) -> None:
    private, commit = private_object(tmp_path)
    if way == "link to packs":
        git(private, "gc", "--quiet")
    match way:
        case "alternates":
            (folder / "objects" / "info" / "alternates").write_text(f"{private}/objects\n")
        case "link to objects":
            shutil.rmtree(folder / "objects")
            (folder / "objects").symlink_to(private / "objects")
        case "link to packs":
            shutil.rmtree(folder / "objects" / "pack")
            (folder / "objects" / "pack").symlink_to(private / "objects" / "pack")
        case _:
            for path in objects_of(private):
                (folder / "objects" / path.parent.name).mkdir(exist_ok=True)
                (folder / "objects" / path.parent.name / path.name).symlink_to(path)
    (folder / "refs" / "heads" / OTHER).write_text(f"{commit}\n")

    try:
        refused = store.fetch().refused
    except StoreTrouble:
        refused = {OTHER: ""}

    assert set(refused) == {OTHER}
    with pytest.raises(StoreTrouble):
        store.files(commit)


@pytest.mark.parametrize("link", ["objects", "refs", "refs/heads", "refs/heads/x.lock", "packed-refs", "HEAD"])
def test_nothing_is_written_through_a_link(tmp_path: Path, store: GitStore, folder: Path, link: str) -> None:
    outside = tmp_path / "outside"
    place = folder / link.replace("x", ME)
    target = outside / "file" if "lock" in link or link in ("packed-refs", "HEAD") else outside
    outside.mkdir()
    (outside / "file").write_text("mine\n")
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(target)
    commit = store.commit(None, None, {"head": b"1"}, [])
    for prefix in {commit[:2], *(path.parent.name for path in objects_of(tmp_path / "one" / "store"))}:
        if (folder / "objects").is_dir() and not (folder / "objects").is_symlink():
            (folder / "objects" / prefix).symlink_to(outside)

    with pytest.raises(StoreTrouble):
        store.push(ME, commit, None)

    assert {path.name: path.read_text() for path in outside.iterdir()} == {"file": "mine\n"}


@pytest.mark.parametrize(
    "name", ["packed-refs", f"refs/heads/{OTHER}", "config", "objects/pack/pack-{}.pack", "object"]
)
def test_a_pipe_in_a_folder_holds_nobody_up(store: GitStore, folder: Path, name: str) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    store.push(ME, first, None)
    other = hashlib.sha1(b"x").hexdigest()
    place = folder / name.format(other)
    if name == "object":
        place = folder / "objects" / other[:2] / other[2:]
        place.parent.mkdir(exist_ok=True)
    (folder / "refs" / "heads" / OTHER).write_text(f"{other}\n")
    place.unlink(missing_ok=True)
    os.mkfifo(place)

    assert store.fetch().commits[ME] == first


def test_a_branch_that_is_damaged_or_cut_keeps_no_other_back(tmp_path: Path, store: GitStore, folder: Path) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    store.push(ME, first, None)
    other = machine(tmp_path / "two", folder)
    theirs = other.commit(None, None, {"head": b"theirs" * 100}, [])
    other.push(OTHER, theirs, None)
    [blob] = (path for path in objects_of(folder) if b"theirstheirs" in zlib.decompress(path.read_bytes()))
    kept = blob.read_bytes()
    blob.chmod(0o600)
    for damaged in (kept[:50], kept + b"more", zlib.compress(b"blob 5\0other"), zlib.compress(bytes(200 << 20)), b""):
        blob.write_bytes(damaged)
        assert store.fetch() == ({ME: first, OTHER: theirs}, {OTHER: "a part of it is missing or damaged"})
    blob.write_bytes(kept)

    assert store.fetch() == ({ME: first, OTHER: theirs}, {})
    assert content(store, theirs) == {"head": b"theirs" * 100}


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_branch_that_git_refuses_keeps_no_other_back(
    tmp_path: Path, store: GitStore, folder: Path, is_packed: bool
) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    store.push(ME, first, None)
    blob = git(folder, "hash-object", "-w", "--stdin", given="x").strip()
    tree = git(folder, "mktree", given=f"100644 blob {blob}\t.git\n").strip()
    git(folder, "update-ref", f"refs/heads/{OTHER}", git(folder, "commit-tree", tree, "-m", "x").strip())
    if is_packed:
        git(folder, "gc", "--quiet")

    fetched = store.fetch()

    assert (set(fetched.commits), set(fetched.refused)) == ({ME, OTHER}, {OTHER})
    assert "hasDotgit" in fetched.refused[OTHER]
    second = store.commit(first, first, {"head": b"2"}, [])
    store.push(ME, second, first)
    assert machine(tmp_path / "two", folder).fetch().commits[ME] == second


def test_an_own_branch_that_somebody_replaced_is_sent_again(store: GitStore, folder: Path) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    store.push(ME, first, None)
    store.push(OTHER, first, None)
    other = "a" * 40
    (folder / "refs" / "heads" / ME).chmod(0o644)
    (folder / "refs" / "heads" / ME).write_text(f"{other}\n")

    assert store.fetch().commits[ME] == other
    store.push(ME, first, other)

    assert store.fetch().commits[ME] == first


def test_git_reads_what_carryover_writes_and_the_other_way_round(tmp_path: Path, store: GitStore, folder: Path) -> None:
    """Also what older versions have pushed with git, and after the folder's owner has tidied it."""
    first = store.commit(None, None, {"head": b"1", **{f"ab/{n:030d}": b"%d" % n for n in range(40)}}, [])
    store.push(ME, first, None)
    git(folder, "fsck", "--strict", "--full")
    git(folder, "gc", "--quiet", "--prune=now")
    git(folder, "pack-refs", "--all")
    second = store.commit(first, first, {"head": b"2"}, [f"ab/{0:030d}"])
    store.push(ME, second, first)
    git(folder, "fsck", "--strict", "--full")
    older = git(tmp_path / "one" / "store", "push", "--porcelain", str(folder), f"{second}:refs/heads/{OTHER}")

    reader = machine(tmp_path / "two", folder)

    assert "new branch" in older
    assert reader.fetch() == ({ME: second, OTHER: second}, {})
    assert len(content(reader, second)) == 40
    assert git(folder, "rev-parse", HEAD_OF_ME).strip() == second
    store.push(ME, None, second)
    assert store.remote_refs() == [f"refs/heads/{OTHER}"]
    assert git(folder, "for-each-ref", "--format=%(refname)").split() == [f"refs/heads/{OTHER}"]


def test_only_what_is_new_is_read_again(store: GitStore, folder: Path) -> None:
    first = store.commit(None, None, {"head": b"1", f"ab/{'0' * 30}": b"part"}, [])
    store.push(ME, first, None)
    store.fetch()
    second = store.commit(first, first, {"head": b"2"}, [])
    store.push(ME, second, first)
    known = git(folder, "rev-list", "--objects", first)
    for path in objects_of(folder):
        if path.parent.name + path.name in known:
            path.unlink()

    assert store.fetch() == ({ME: second}, {})


def test_the_folder_of_a_group_stays_the_groups(store: GitStore, folder: Path) -> None:
    shutil.rmtree(folder)
    git(folder.parent, "init", "--quiet", "--bare", "--shared=group", folder.name)
    store.push(ME, store.commit(None, None, {"head": b"1"}, []), None)

    for path in objects_of(folder):
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o7777) == (0o444, 0o2775)
    assert (folder / HEAD_OF_ME).stat().st_mode & 0o777 == 0o664


def test_a_lock_that_a_killed_program_left_is_removed(
    store: GitStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.sync.store_folder.LOCK_S", 0.1)
    (folder / f"{HEAD_OF_ME}.lock").touch()
    first = store.commit(None, None, {"head": b"1"}, [])

    store.push(ME, first, None)

    assert store.fetch().commits == {ME: first}
    assert list((folder / "refs" / "heads").iterdir()) == [folder / HEAD_OF_ME]


def test_a_lock_that_somebody_puts_there_again_and_again_is_not_waited_for_for_ever(
    store: GitStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.sync.store_folder.LOCK_S", 0.1)
    lock, is_over = folder / f"{HEAD_OF_ME}.lock", threading.Event()

    def put_there() -> None:
        while not is_over.is_set():
            lock.touch()

    restless = threading.Thread(target=put_there)
    restless.start()
    try:
        with pytest.raises(StoreTrouble):
            store.push(ME, store.commit(None, None, {"head": b"1"}, []), None)
    finally:
        is_over.set()
        restless.join()


def test_folders_in_folders_are_not_followed_to_the_end(store: GitStore, folder: Path) -> None:
    (folder / "refs" / Path(*"abcdefghijklmnopqrstuvwxyz")).mkdir(parents=True)

    with pytest.raises(StoreTrouble, match="more refs than any machine makes"):
        store.fetch()


@pytest.mark.parametrize("form", ["[extensions]\n\tobjectFormat = sha256\n", "[extensions]\n\trefStorage = reftable\n"])
def test_a_repository_of_another_form_is_refused_with_how_to_make_one(store: GitStore, folder: Path, form: str) -> None:
    (folder / "config").write_text(form)
    before = sorted(folder.rglob("*"))

    with pytest.raises(StoreTrouble, match="git init --bare --object-format=sha1"):
        store.push(ME, store.commit(None, None, {"head": b"1"}, []), None)

    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("address", ["{}/store", "file://{}/store.git", "file://{}/st%6Fre.git"])
def test_a_folder_is_found_as_git_finds_it(tmp_path: Path, folder: Path, address: str) -> None:
    everything(machine(tmp_path / "two", address.format(tmp_path)))
    git(tmp_path, "init", "--quiet", "checkout")
    everything(machine(tmp_path / "three", tmp_path / "checkout"))
    assert not (tmp_path / "checkout" / "objects").exists()


def test_work_in_a_folder_ends_when_the_daemon_stops(store: GitStore, folder: Path) -> None:
    first = store.commit(None, None, {"head": b"1"}, [])
    end_in_store()

    for use in (store.fetch, store.remote_refs, lambda: store.push(ME, first, None)):
        with pytest.raises(StoreTrouble, match="synchronising was ended"):
            use()

    assert not list((folder / "refs" / "heads").iterdir())


def test_an_object_that_is_only_called_like_another_is_not_taken(tmp_path: Path, store: GitStore, folder: Path) -> None:
    """Else what this machine stores under that name later would be lost."""
    theirs = store.commit(None, None, {"head": b"mine"}, [])
    reader = machine(tmp_path / "two", folder)
    store.push(OTHER, theirs, None)
    blob = store.files(theirs)["head"].blob
    path = folder / "objects" / blob[:2] / blob[2:]
    path.unlink()
    path.write_bytes(zlib.compress(b"blob 4\0evil"))

    assert set(reader.fetch().refused) == {OTHER}
    with pytest.raises(StoreTrouble):
        reader.read(File(blob, 4))
