from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.contract import HookEvent, StartReason
from carryover.agents import adapters
from carryover.daemon.hooks import call
from carryover.daemon.hooks.call import HookCall, Refused, check_folder, check_transcript
from carryover.facts import DAY_MS, ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ingest.scan import RACY_MS
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_root, project_of_session, session_ids
from carryover.ledger.store import Ledger
from carryover.projects.root import find_root
from support.clock import LATER_MS
from support.codex_session import CodexSession
from support.platforms import settings_folder

SESSION: Final = "c0de0000-0000-4000-8000-000000000001"
FOREIGN: Final = "transcript: belongs to another user"
ODD_NAME: Final = "transcript: not named as this agent names them"
AGENT: Final = adapters()["claude-code"]
Check = Callable[..., str]


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
    """The path of a transcript, or why it is refused."""

    def check(path: Path | str, *, uid: int | None = None) -> str:
        roots = [home / ".claude" / "projects"]
        try:
            found = check_transcript(str(path), AGENT, roots, uid=uid)
        except Refused as refused:
            return str(refused)
        return found.path

    return check


def folder(given: Path | str) -> ProjectRoot | str:
    try:
        return check_folder(str(given), root_of=find_root)
    except Refused as refused:
        return str(refused)


def test_elsewhere_its_layout_is_enough(check: Check, tmp_path: Path) -> None:
    """Users move the folder by CLAUDE_CONFIG_DIR, which the daemon does not see."""
    moved = tmp_path / "config" / "projects"
    path = moved / "-home-dev-shop" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()

    assert check(path) == str(path)
    assert check(moved / "notes.txt") == "transcript: not in a folder of this agent"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("relative/x.jsonl", "not an absolute path"),
        ("~/.claude/projects/x.jsonl", "not an absolute path"),
        ("/a\0b", "not an absolute path"),
        ("/" + "a" * 5000, "not an absolute path"),
        ("/\ud800", "not text"),
        ("/a/../b", "leads upwards"),
        ("/a/..", "leads upwards"),
    ],
)
def test_what_is_no_plain_path_is_refused(check: Check, given: str, reason: str) -> None:
    assert (check(given), folder(given)) == (reason, reason)


def test_a_symlink_below_the_folder_is_refused(check: Check, root: Path, transcript: Path) -> None:
    linked_file = transcript.with_name(f"{SESSION[:-1]}2.jsonl")
    linked_file.symlink_to(transcript)
    linked_folder = root / "-home-dev-linked"
    linked_folder.symlink_to(transcript.parent)
    dangling = transcript.with_name(f"{SESSION[:-1]}3.jsonl")
    dangling.symlink_to(root / "nothing")

    for path in (linked_file, linked_folder / transcript.name, dangling):
        assert check(path) == "transcript: a symlink"


def test_the_folder_itself_may_be_reached_over_a_link_and_is_one_and_the_same(
    check: Check, home: Path, tmp_path: Path
) -> None:
    """As with dotfiles that are kept in a repository. Else a transcript would be read twice, under two names."""
    real = tmp_path / "dotfiles"
    (real / "projects" / "-home-dev-shop").mkdir(parents=True)
    (home / ".claude").symlink_to(real)
    root, name = home / ".claude" / "projects", f"-home-dev-shop/{SESSION}.jsonl"
    (real / "projects" / name).touch()

    for path in (root / name, real / "projects" / name):
        assert check(path) == str(root / name)


def test_what_belongs_to_another_user_is_refused(check: Check, root: Path, transcript: Path) -> None:
    for path in (transcript, root / "-home-dev-new" / transcript.name):
        assert check(path, uid=os.geteuid() + 1) == FOREIGN
    if os.geteuid() == 0:  # only root can give files away
        os.chown(transcript, 4711, -1)
        assert check(transcript) == FOREIGN
        os.chown(transcript, 0, -1)
        os.chown(transcript.parent, 4711, -1)
        assert check(transcript) == FOREIGN


def test_nor_another_file_in_the_agents_folder(check: Check, root: Path, transcript: Path) -> None:
    for name in ("settings.json", "-home-dev-shop/notes.txt", f"{SESSION}.jsonl", "-home/a/b/c.jsonl"):
        assert check(root / name) == ODD_NAME
    transcript.unlink()
    transcript.mkdir()
    assert check(transcript) == "transcript: not a regular file"
    transcript.rmdir()
    os.mkfifo(transcript)
    assert check(transcript) == "transcript: not a regular file"


def test_a_link_to_a_project_is_the_project_and_one_inside_it_is_refused(home: Path, tmp_path: Path) -> None:
    """A repository may bring a link along that leads into another project."""
    shop, blog = tmp_path / "shop", tmp_path / "blog"
    for top in (shop, blog):
        (top / "src").mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(top)], check=True)
    (tmp_path / "link").symlink_to(shop)
    (shop / "vendor").symlink_to(blog / "src")
    (tmp_path / "file").touch()

    assert folder(tmp_path / "link") == folder(tmp_path / "link" / "src") == ProjectRoot(str(shop), None)
    assert folder(shop / "vendor") == "folder: a symlink inside a project"
    assert folder(tmp_path / "file") == folder("/dev/null") == "folder: not a folder"


def test_a_transcript_may_not_exist_yet_and_one_bad_path_refuses_the_call(
    root: Path, transcript: Path, tmp_path: Path
) -> None:
    missing = transcript.with_name(f"{SESSION[:-1]}2.jsonl")

    def checked(path: Path | str, cwd: str = str(tmp_path)) -> HookCall:
        reading = HookEvent(action="hint", session=SESSION, cwd=cwd, transcript=str(path))
        return call.check_call(AGENT, reading, (root,), root_of=find_root)

    for path in (transcript, missing):
        found = checked(path)
        assert found.transcript is not None and found.transcript.path == str(path)
        assert found.project == ProjectRoot(str(tmp_path), None)
    for odd, cwd in ((transcript, "/a/../b"), ("/etc/passwd", str(tmp_path))):
        with pytest.raises(Refused):
            checked(odd, cwd)


AT_MS: Final = 1_795_155_000_000
CHAT: Final = "7c1f2a90-1111-4222-8333-9d2c00000001"


def written(path: Path, at_ms: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, ns=(at_ms * 1_000_000,) * 2)
    return str(path)


def test_what_changed_of_late_is_found_newest_first_wherever_it_lies(home: Path) -> None:
    cursor, folder = adapters()["cursor"], home / ".cursor/projects/home-dev-shop/agent-transcripts"
    old = written(folder / CHAT / f"{CHAT}.jsonl", AT_MS - call.RECENT_MS - 1)
    before_the_clock_went_back = f"{CHAT[:-1]}4"
    written(folder / before_the_clock_went_back / f"{before_the_clock_went_back}.jsonl", AT_MS + DAY_MS)
    lines = written(folder / f"{CHAT[:-1]}2" / f"{CHAT[:-1]}2.jsonl", AT_MS - call.RECENT_MS)
    tables = written(settings_folder(home) / "Cursor/User/globalStorage/state.vscdb", AT_MS - 10)
    chat = written(home / ".cursor/chats/9e107d9d" / f"{CHAT[:-1]}3" / "store.db", AT_MS)

    found = call.changed_of_late(cursor, None, cursor.spec.roots(home, {}), now_ms=AT_MS)

    assert [source.path for source in found] == [chat, tables, lines]
    for named, others in ((lines, [chat, tables, lines]), (old, [old, chat, tables, lines])):
        transcript = cursor.source_of(Path(named), home / ".cursor/projects")
        assert call.may_have_other_sources(transcript)
        also = call.changed_of_late(cursor, transcript, cursor.spec.roots(home, {}), now_ms=AT_MS)
        assert [source.path for source in also] == others


@pytest.mark.parametrize("known", [[""], [], ["..", ""]], ids=["known", "unknown", "in another"])
def test_what_changed_since_the_last_rescan_is_found_newest_first(
    root: Path, transcript: Path, known: list[str]
) -> None:
    """Also in a folder that a variable names which the daemon does not see, or in one of two that the agent has."""
    roots = [root.parent if name else root for name in known]
    written(transcript, AT_MS - RACY_MS - 1)
    racy, later, latest = (
        written(transcript.with_name(f"{SESSION[:-1]}{n}.jsonl"), at_ms)
        for n, at_ms in ((2, AT_MS - RACY_MS), (4, AT_MS + 4), (6, AT_MS + 6))
    )
    transcript.with_name("notes.txt").touch()
    transcript.with_name(f"{SESSION[:-1]}9.jsonl").symlink_to(latest)
    own = AGENT.source_of(transcript.with_name(f"{SESSION[:-1]}8.jsonl"), root)
    assert own is not None

    found = call.changed_siblings(AGENT, own, roots, since_ms=AT_MS)

    assert [source.path for source in found] == [latest, later, racy]


def test_the_files_of_one_thread_are_read_in_their_order(home: Path) -> None:
    """Codex goes on in a further file after a rewind (0.171)."""
    codex, day = adapters()["codex"], home / ".codex/sessions/2026/11/20"
    name = "rollout-2026-11-20T06-00-0{}-{}.jsonl"
    first = written(day / name.format(1, SESSION), AT_MS - 4)
    other = written(day / name.format(2, CHAT), AT_MS - 3)
    further = written(day / name.format(3, f"{SESSION}_{CHAT}"), AT_MS - 2)

    found = call.changed_of_late(codex, None, codex.spec.roots(home, {}), now_ms=AT_MS)

    assert [source.path for source in found] == [first, further, other]


async def test_its_turns_in_another_project_are_a_session_of_that_project(
    ledger: Ledger, ledger_path: Path, home: Path, shop: Path, blog: Path
) -> None:
    """Before its first turn there is read, it is still the other project's."""
    thread, writer = CodexSession(home / ".codex", shop), CodexSession(home / ".codex", blog)

    async def read(each: CodexSession, prompt: str) -> None:
        each.prompt(prompt)
        each.answer("Done.")
        agent = adapters()["codex"]
        source = agent.source_of(each.path, each.home / "sessions")
        assert source is not None
        await ingest(ledger, agent, source, root_of=find_root, now_ms=lambda: LATER_MS)

    def asked(folder: Path) -> tuple[str, int | None]:
        with closing(connect_read_only(ledger_path)) as db:
            own = call.own_session(db, "codex", thread.session, project_by_root(db, str(folder)))
            return own, project_of_session(db, "codex", own)

    def begins_in(folder: Path, *, moves: bool, reason: StartReason = "compact") -> int | None:
        reading = HookEvent(action="session_start", session=thread.session, reason=reason, cwd_moves=moves)
        start = HookCall(agent=adapters()["codex"], reading=reading, transcript=None, project=None)
        with closing(connect_read_only(ledger_path)) as db:
            return call.beginning(db, start, project_by_root(db, str(folder)))[0]

    await read(thread, "Add a discount")
    await read(writer, "Write a post")
    with closing(connect_read_only(ledger_path)) as db:
        here, there = (found.id for root in (shop, blog) if (found := project_by_root(db, str(root))))
    assert asked(blog) == (thread.session, here)
    assert (begins_in(blog, moves=True), begins_in(blog, moves=False)) == (here, there)
    assert (begins_in(home, moves=True), begins_in(home, moves=False)) == (here, None)
    assert begins_in(blog, moves=True, reason="startup") == there

    thread.cwd = blog
    await read(thread, "Write about it")
    with closing(connect_read_only(ledger_path)) as db:
        [other] = set(session_ids(db)) - {thread.session, writer.session}
    assert asked(blog) == (other, there)
    assert asked(shop) == (thread.session, here)
