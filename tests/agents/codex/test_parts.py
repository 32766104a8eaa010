"""A thread that goes on in a further file, from a place in an earlier one: the user went back to it (0.171)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.codex.contract_case import THREAD
from carryover.agents.codex.adapter import AGENT
from carryover.agents.codex.parts import files_of, place_before
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document, take_in
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, FileEdit, StoredEvent, UserPrompt
from support.clock import LATER_MS
from support.codex_session import CodexSession, Place

DAY = datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.fixture
def first(tmp_path: Path) -> CodexSession:
    """The first file of a thread, with one turn."""
    return turn(CodexSession(tmp_path / ".codex", tmp_path / "shop", THREAD, DAY), "one")


def turn(session: CodexSession, name: str) -> CodexSession:
    """Adds a turn that changes a file."""
    session.prompt(f"prompt {name}")
    session.change(f"call {name}", session.cwd / f"{name}.py", None, "1")
    session.answer(f"answer {name}")
    return session


async def counted(folder: Path, *files: CodexSession, imported: Sequence[Path] = ()) -> dict[str, list[str]]:
    """What counts of each session, in a ledger that read these files and then `imported`, in this order."""
    ledger = await Ledger.open(folder / "ledger", DigestReducer())
    reads: dict[str, Any] = {"root_of": ProjectRoot, "now_ms": lambda: LATER_MS}
    try:
        for file in files:
            source = AGENT.source_of(file.path, file.home / "sessions")
            assert source is not None
            await ingest(ledger, AGENT, source, **reads)
        for path in imported:
            await take_in(ledger, open_document(Candidate(path)), again=False, **reads)
    finally:
        await ledger.close()
    with closing(connect_read_only(folder / "ledger")) as db:
        return {row.native_id: list(told(session_events(db, row))) for row in sessions(db, limit=10)}


def told(events: Iterable[StoredEvent]) -> Iterable[str]:
    for event in events:
        if isinstance(event.body, UserPrompt | AssistantMessage) and not event.retracted:
            yield event.body.text
        elif isinstance(event.body, FileEdit) and not event.retracted:
            yield Path(event.body.path).name


def whole(*names: str) -> list[str]:
    return [each for name in names for each in (f"prompt {name}", f"{name}.py", f"answer {name}")]


async def test_what_a_rewind_takes_back_was_done_but_not_said(tmp_path: Path, first: CodexSession) -> None:
    """The client says that it leaves file changes as they are."""
    second = turn(first, "two").place
    turn(first, "three")
    back = turn(first.rewound(second), "four")

    assert await counted(tmp_path, first, back) == {THREAD: [*whole("one"), "two.py", "three.py", *whole("four")]}


async def test_what_is_taken_back_before_anything_new_is_typed(tmp_path: Path, first: CodexSession) -> None:
    back = first.rewound(turn(first, "two").place)

    assert await counted(tmp_path, first, back) == {THREAD: [*whole("one"), "two.py"]}


async def test_the_user_goes_back_again_in_the_further_file_and_behind_its_beginning(
    tmp_path: Path, first: CodexSession
) -> None:
    second = turn(first, "two").place
    third = turn(first, "three").place
    back = turn(turn(first.rewound(third), "four"), "five")
    again = turn(back.rewound(back.place), "six")
    files = first, back, again

    so_far = [*whole("one", "two"), "three.py", *whole("four"), "five.py", *whole("six")]
    assert await counted(tmp_path / "again", *files) == {THREAD: so_far}
    behind = turn(again.rewound(second), "seven")
    edits = [f"{name}.py" for name in ("two", "three", "four", "five", "six")]
    assert await counted(tmp_path / "behind", *files, behind) == {THREAD: [*whole("one"), *edits, *whole("seven")]}


async def test_a_fork_that_goes_back_behind_its_beginning_leaves_its_parent_as_it_is(
    tmp_path: Path, first: CodexSession
) -> None:
    second = turn(first, "two").place
    end = Place(THREAD, first.records, first.path.stat().st_size)
    fork = turn(CodexSession(first.home, first.cwd, now=first.now, forked_from=THREAD, base=end), "three")
    back = turn(fork.rewound(second), "four")
    turn(first, "five")

    assert await counted(tmp_path, first, fork, back) == {
        THREAD: whole("one", "two", "five"),
        fork.session: ["three.py", *whole("four")],
    }


async def test_a_file_that_goes_on_from_the_end_of_another_takes_nothing_back(
    tmp_path: Path, first: CodexSession
) -> None:
    further = turn(first.rewound(Place(THREAD, first.records, first.path.stat().st_size)), "two")

    assert await counted(tmp_path, first, further) == {THREAD: whole("one", "two")}


@pytest.mark.parametrize("hours", [-20, 20])
async def test_the_file_before_it_is_found_in_another_days_folder(tmp_path: Path, hours: int) -> None:
    """Which is named by local time, when the thread began."""
    begun = DAY + timedelta(hours=hours)
    first = turn(CodexSession(tmp_path / ".codex", tmp_path / "shop", THREAD, begun), "one")
    second = turn(first, "two").place
    first.now += timedelta(days=9)
    back = turn(first.rewound(second), "three")

    assert back.path.parent != first.path.parent
    assert await counted(tmp_path, first, back) == {THREAD: [*whole("one"), "two.py", *whole("three")]}


@pytest.mark.parametrize("moved", [-1, 1, 400, 1 << 40, 1 << 70])
async def test_a_place_that_is_no_longer_there_takes_nothing_back(
    tmp_path: Path, first: CodexSession, moved: int
) -> None:
    """A file that was migrated has other bytes there."""
    second = turn(first, "two").place
    back = turn(first.rewound(second._replace(size=second.size + moved)), "three")
    other = turn(first.rewound(second._replace(records=second.records + 1)), "four")

    assert await counted(tmp_path, first, back, other) == {THREAD: whole("one", "two", "three", "four")}


async def test_a_further_file_alone_is_read_as_it_is(tmp_path: Path, first: CodexSession) -> None:
    back = turn(first.rewound(turn(first, "two").place), "three")
    first.path.unlink()

    assert await counted(tmp_path, back) == {THREAD: whole("three")}


async def test_an_import_takes_back_what_it_brought(tmp_path: Path, first: CodexSession) -> None:
    back = turn(first.rewound(turn(first, "two").place), "three")
    elsewhere = first.home.rename(tmp_path / "from-a-colleague")
    paths = [elsewhere / file.path.relative_to(first.home) for file in (first, back)]

    assert await counted(tmp_path, imported=paths) == {THREAD: [*whole("one"), "two.py", *whole("three")]}


async def test_an_import_takes_nothing_back_of_a_session_that_is_in_the_agents_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: CodexSession
) -> None:
    """It names its place in a file that came along with it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    second = turn(first, "two").place
    planted = turn(first.rewound(second), "three")
    folder = tmp_path / "downloads"
    folder.mkdir()
    shutil.copy(first.path, folder)
    path = planted.path.rename(folder / planted.path.name)

    assert await counted(tmp_path, first, imported=[path]) == {THREAD: whole("one", "two", "three")}


@pytest.mark.parametrize(
    "name", ["ffffffff-ffff-7fff-8fff-ffffffffffff", "../../../../../../../../../../../../etc", ""]
)
async def test_a_name_of_no_file_takes_nothing_back(tmp_path: Path, first: CodexSession, name: str) -> None:
    """The first one is of a year that no date has."""
    second = turn(first, "two").place
    back = turn(first.rewound(second._replace(file=name)), "three")

    assert await counted(tmp_path, first, back) == {THREAD: whole("one", "two", "three")}


def test_a_file_near_the_root_of_the_disk_is_read_too() -> None:
    part = Path(f"/rollout-2026-11-20T06-00-00-{THREAD}_{THREAD}.jsonl")

    assert place_before(part) is None
    assert list(files_of(part, THREAD)) == []
