from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.contract import HookEvent
from carryover.agents import adapters
from carryover.daemon.hooks.call import (
    RECENT_MS,
    Call,
    OwnSession,
    Refused,
    Transcript,
    changed_of_late,
    changed_siblings,
    check_call,
    check_folder,
    check_transcript,
    own_session,
)
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ingest.scan import RACY_MS
from carryover.ledger.queries import connect_read_only, project_by_root, session_ids
from carryover.ledger.store import Ledger
from carryover.projects.root import find_root
from support.clock import LATER_MS
from support.codex_session import CodexSession

SESSION: Final = "c0de0000-0000-4000-8000-000000000001"
FOREIGN: Final = Refused("transcript: belongs to another user")
AGENT: Final = adapters()["claude-code"]
Check = Callable[..., Transcript | Refused]


@pytest.fixture
def root(home: Path) -> Path:
    """A folder that is known to hold transcripts."""
    root = home / ".claude" / "projects"
    root.mkdir(parents=True)
    return root


@pytest.fixture
def transcript(root: Path) -> Path:
    path = root / "-home-dev-shop" / f"{SESSION}.jsonl"
    path.parent.mkdir()
    path.touch()
    return path


@pytest.fixture
def check(home: Path) -> Check:
    def check(path: Path | str, *, authenticated: bool = True, uid: int | None = None) -> Transcript | Refused:
        return check_transcript(str(path), AGENT, [home / ".claude" / "projects"], authenticated=authenticated, uid=uid)

    return check


def place_of(found: Transcript | Refused) -> tuple[str, Path] | Refused:
    return found if isinstance(found, Refused) else (found.source.path, found.root)


def test_elsewhere_its_layout_is_enough_only_for_callers_who_are_known(check: Check, tmp_path: Path) -> None:
    """Users move the folder by CLAUDE_CONFIG_DIR, which the daemon does not see."""
    moved = tmp_path / "config" / "projects"
    path = moved / "-home-dev-shop" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()

    assert place_of(check(path)) == (str(path), moved)
    assert check(path, authenticated=False) == Refused("transcript: not in a folder of this agent")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("relative/x.jsonl", "not an absolute path"),
        ("", "not an absolute path"),
        ("~/.claude/projects/x.jsonl", "not an absolute path"),
        ("/a\0b", "not an absolute path"),
        ("/" + "a" * 5000, "not an absolute path"),
        ("/\ud800", "not text"),
        ("/a/../b", "leads upwards"),
        ("/a/..", "leads upwards"),
    ],
)
def test_what_is_no_plain_path_is_refused(check: Check, given: str, reason: str) -> None:
    assert check(given) == Refused(reason)
    assert check_folder(given, root_of=find_root) == Refused(reason)


def test_a_symlink_below_the_folder_is_refused(check: Check, root: Path, transcript: Path) -> None:
    linked_file = transcript.with_name(f"{SESSION[:-1]}2.jsonl")
    linked_file.symlink_to(transcript)
    linked_folder = root / "-home-dev-linked"
    linked_folder.symlink_to(transcript.parent)
    dangling = transcript.with_name(f"{SESSION[:-1]}3.jsonl")
    dangling.symlink_to(root / "nothing")

    for path in (linked_file, linked_folder / transcript.name, dangling):
        assert check(path) == Refused("transcript: a symlink")


def test_the_folder_itself_may_be_reached_over_a_link_and_is_one_and_the_same(
    check: Check, home: Path, tmp_path: Path
) -> None:
    """As with dotfiles that are kept in a repository. Else a transcript would be read twice, under two names."""
    real = tmp_path / "dotfiles"
    (real / "projects" / "-home-dev-shop").mkdir(parents=True)
    (home / ".claude").symlink_to(real)
    root = home / ".claude" / "projects"
    named = root / "-home-dev-shop" / f"{SESSION}.jsonl"
    resolved = real / "projects" / "-home-dev-shop" / f"{SESSION}.jsonl"
    resolved.touch()

    for path in (named, resolved):
        assert place_of(check(path, authenticated=False)) == (str(named), root)


def test_what_belongs_to_another_user_is_refused(check: Check, root: Path, transcript: Path) -> None:
    for path in (transcript, root / "-home-dev-new" / transcript.name):
        assert check(path, uid=os.geteuid() + 1) == FOREIGN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_or_folder_on_the_way_that_was_given_away_is_refused(check: Check, transcript: Path) -> None:
    os.chown(transcript, 4711, -1)
    assert check(transcript) == FOREIGN
    os.chown(transcript, 0, -1)
    os.chown(transcript.parent, 4711, -1)
    assert check(transcript) == FOREIGN


@pytest.mark.parametrize("name", ["settings.json", "-home-dev-shop/notes.txt", f"{SESSION}.jsonl", "-home/a/b/c.jsonl"])
def test_nor_another_file_in_the_agents_folder(check: Check, root: Path, name: str) -> None:
    assert check(root / name) == Refused("transcript: not named as this agent names them")


def test_what_is_no_regular_file_is_refused(check: Check, transcript: Path) -> None:
    odd = Refused("transcript: not a regular file")
    transcript.unlink()

    transcript.mkdir()
    assert check(transcript) == odd
    transcript.rmdir()
    os.mkfifo(transcript)
    assert check(transcript) == odd


def test_a_link_to_a_project_is_the_project_and_one_inside_it_is_refused(home: Path, tmp_path: Path) -> None:
    """A repository may bring a link along that leads into another project."""
    shop, blog = tmp_path / "shop", tmp_path / "blog"
    for top in (shop, blog):
        (top / "src").mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(top)], check=True)
    (tmp_path / "link").symlink_to(shop)
    (shop / "vendor").symlink_to(blog / "src")
    (tmp_path / "file").touch()

    for folder, found in (
        (tmp_path / "link", ProjectRoot(str(shop), None)),
        (tmp_path / "link" / "src", ProjectRoot(str(shop), None)),
        (shop / "vendor", Refused("folder: a symlink inside a project")),
        (tmp_path / "file", Refused("folder: not a folder")),
        ("/dev/null", Refused("folder: not a folder")),
    ):
        assert check_folder(str(folder), root_of=find_root) == found


def test_of_a_stranger_only_a_transcript_that_exists_is_taken(root: Path, transcript: Path, tmp_path: Path) -> None:
    missing = transcript.with_name(f"{SESSION[:-1]}2.jsonl")

    def check(path: Path, *, authenticated: bool) -> Call | Refused:
        reading = HookEvent(action="hint", session=SESSION, cwd=str(tmp_path), transcript=str(path))
        return check_call(AGENT, reading, (root,), authenticated=authenticated, root_of=find_root)

    calls = [check(path, authenticated=known) for known in (True, False) for path in (transcript, missing)]

    project = ProjectRoot(str(tmp_path), None)
    assert [
        isinstance(call, Call) and (call.transcript.source.path if call.transcript else None, call.project)
        for call in calls
    ] == [(str(transcript), project), (str(missing), project), (str(transcript), None), (None, None)]


@pytest.mark.parametrize(
    ("cwd", "named", "refused"), [("", "", False), ("/a/../b", "", True), ("", "/etc/passwd", True)]
)
def test_a_call_with_one_bad_path_is_refused_as_a_whole(
    root: Path, transcript: Path, home: Path, cwd: str, named: str, refused: bool
) -> None:
    call = HookEvent(action="hint", session=SESSION, cwd=cwd or str(home), transcript=named or str(transcript))

    answer = check_call(AGENT, call, (root,), authenticated=True, root_of=find_root)

    assert isinstance(answer, Refused) is refused


AT_MS: Final = 1_795_155_000_000
CHAT: Final = "7c1f2a90-1111-4222-8333-9d2c00000001"


def written(path: Path, at_ms: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, ns=(at_ms * 1_000_000,) * 2)
    return str(path)


def test_what_changed_of_late_is_found_newest_first_wherever_it_lies(home: Path) -> None:
    cursor, folder = adapters()["cursor"], home / ".cursor/projects/home-dev-shop/agent-transcripts"
    written(folder / CHAT / f"{CHAT}.jsonl", AT_MS - RECENT_MS - 1)
    lines = written(folder / f"{CHAT[:-1]}2" / f"{CHAT[:-1]}2.jsonl", AT_MS - RECENT_MS)
    tables = written(home / ".config/Cursor/User/globalStorage/state.vscdb", AT_MS - 10)
    chat = written(home / ".cursor/chats/9e107d9d" / f"{CHAT[:-1]}3" / "store.db", AT_MS)

    found = changed_of_late(cursor, None, cursor.roots(home, {}), now_ms=AT_MS)

    assert [source.path for source in found] == [chat, tables, lines]


def test_what_changed_since_the_last_rescan_is_found_newest_first(root: Path, transcript: Path) -> None:
    written(transcript, AT_MS - RACY_MS - 1)
    racy, later, latest = (
        written(transcript.with_name(f"{SESSION[:-1]}{n}.jsonl"), at_ms)
        for n, at_ms in ((2, AT_MS - RACY_MS), (4, AT_MS + 4), (6, AT_MS + 6))
    )
    transcript.with_name("notes.txt").touch()
    transcript.with_name(f"{SESSION[:-1]}9.jsonl").symlink_to(latest)
    own = AGENT.source_of(transcript.with_name(f"{SESSION[:-1]}8.jsonl"), root)
    assert own is not None

    found = changed_siblings(AGENT, Transcript(own, root), since_ms=AT_MS)

    assert [source.path for source in found] == [latest, later, racy]


@pytest.fixture
def thread(home: Path, shop: Path) -> CodexSession:
    """A thread with a turn in `shop`."""
    thread = CodexSession(home / ".codex", shop)
    thread.prompt("Add a discount")
    thread.answer("Done.")
    return thread


async def read_in(ledger: Ledger, thread: CodexSession) -> None:
    agent = adapters()["codex"]
    source = agent.source_of(thread.path, thread.home / "sessions")
    assert source is not None
    await ingest(ledger, agent, source, root_of=find_root, now_ms=lambda: LATER_MS)


def asked(path: Path, thread: CodexSession, folder: Path) -> OwnSession:
    with closing(connect_read_only(path)) as db:
        return own_session(db, "codex", thread.session, str(folder))


def project(path: Path, folder: Path) -> int:
    with closing(connect_read_only(path)) as db:
        found = project_by_root(db, str(folder))
    assert found is not None
    return found.id


async def test_its_turns_in_another_project_are_a_session_of_that_project(
    ledger: Ledger, ledger_path: Path, thread: CodexSession, shop: Path, blog: Path
) -> None:
    thread.cwd = blog
    thread.prompt("Write about it")
    thread.answer("Written.")
    await read_in(ledger, thread)
    here, there = project(ledger_path, shop), project(ledger_path, blog)
    with closing(connect_read_only(ledger_path)) as db:
        [other] = set(session_ids(db)) - {thread.session}

    assert asked(ledger_path, thread, blog) == OwnSession(id=other, project_id=there, here_id=there)
    assert asked(ledger_path, thread, shop) == OwnSession(id=thread.session, project_id=here, here_id=here)


async def test_before_its_first_turn_there_is_read_it_is_still_the_other_projects(
    ledger: Ledger, ledger_path: Path, thread: CodexSession, shop: Path, blog: Path
) -> None:
    writer = CodexSession(thread.home, blog)
    writer.prompt("Write a post")
    for each in (thread, writer):
        await read_in(ledger, each)

    assert asked(ledger_path, thread, blog) == OwnSession(
        id=thread.session, project_id=project(ledger_path, shop), here_id=project(ledger_path, blog)
    )
