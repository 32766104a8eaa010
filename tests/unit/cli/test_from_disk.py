from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.actions.from_disk import (
    catch_up,
    of_project,
    of_session,
    sources_on_disk,
    temporary_ledger,
    tombstones_of,
)
from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.cli.main import main
from carryover.config import Config
from carryover.errors import UserError
from carryover.fsio import FileLock, private_dir
from carryover.ingest.scan import FoundSource
from carryover.ledger.queries import connect_read_only, projects, sessions
from support.recorded_shop import CHECKOUT, DISCOUNT


def transcript(home: Path, folder: str, session: str, cwd: str, *, below: str = "") -> Path:
    """A transcript of one prompt, as Claude Code 2.1.328 writes it; `below` names a sub-agent's file of the session."""
    record = {
        "type": "user",
        "uuid": f"{session[:-1]}{'f' if below else 'e'}",
        "sessionId": session,
        "timestamp": "2026-11-20T06:20:58.447Z",
        "cwd": cwd,
        "isSidechain": bool(below),
        "message": {"role": "user", "content": "Look around"},
    }
    path = home / ".claude" / "projects" / folder / (f"{session}/subagents/{below}" if below else f"{session}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record) + "\n")
    return path


def paths(sources: Iterable[Source]) -> list[Path]:
    return [Path(source.path) for source in sources]


def test_transcripts_are_found_oldest_first(home: Path) -> None:
    old = transcript(home, "-a", "00000000-0000-4000-8000-000000000001", "/a")
    new = transcript(home, "-b", "00000000-0000-4000-8000-000000000002", "/b")
    os.utime(new, (2_000_000_000, 2_000_000_000))
    os.utime(old, (1_000_000_000, 1_000_000_000))

    assert paths(item.source for item in sources_on_disk(Config())) == [old, new]


def test_a_project_is_recognised_by_what_the_records_say_not_by_the_folders_name(home: Path) -> None:
    """`-srv-my-app` may be `/srv/my/app` as well as `/srv/my-app`."""
    with_slash = transcript(home, "-srv-my-app", "00000000-0000-4000-8000-000000000001", "/srv/my/app")
    transcript(home, "-srv-my-app", "00000000-0000-4000-8000-000000000002", "/srv/my-app")
    transcript(home, "-srv-my", "00000000-0000-4000-8000-000000000003", "/srv/my")

    assert paths(of_project(sources_on_disk(Config()), {"/srv/my/app"})) == [with_slash]


def test_a_session_in_a_subfolder_belongs_to_the_repository(home: Path, shop: Path) -> None:
    (shop / "src").mkdir()
    inside = transcript(home, "-any", "00000000-0000-4000-8000-000000000001", str(shop / "src"))

    assert inside in paths(of_project(sources_on_disk(Config()), {str(shop)}))


def test_sub_agents_go_with_their_session_wherever_they_worked(home: Path) -> None:
    session = "00000000-0000-4000-8000-000000000001"
    main = transcript(home, "-a", session, "/srv/app")
    side = transcript(home, "-a", session, "/srv/app-copy", below="agent-a1.jsonl")

    assert sorted(paths(of_project(sources_on_disk(Config()), {"/srv/app"}))) == sorted([main, side])


def test_a_source_of_many_sessions_goes_with_every_project_and_with_ids_that_no_path_names(home: Path) -> None:
    session = "00000000-0000-4000-8000-000000000001"
    transcript(home, "-a", session, "/srv/app")
    (named,) = sources_on_disk(Config())
    database = FoundSource(Source(agent="claude-code", path="/nowhere/state.db"), 1, 1)

    assert of_project([named, database], {"/srv/app"}) == [named.source, database.source]
    assert of_project([named, database], {"/srv/other"}) == [database.source]
    assert of_session([named, database], session[:8]) == [named.source]
    assert of_session([named, database], "ffff") == [database.source]


def test_a_temporary_ledger_holds_what_it_was_given_and_goes_away(home: Path, shop: Path) -> None:
    sources = of_session(sources_on_disk(Config()), CHECKOUT)

    with temporary_ledger(sources, adapters()) as ledger:
        (file,) = [Path(name) for _, _, name in ledger.execute("PRAGMA database_list")]
        mode = stat.S_IMODE(file.parent.stat().st_mode)
        held = [row.native_id for row in sessions(ledger, limit=10)]

    assert (held, mode) == ([CHECKOUT], 0o700)
    assert not file.parent.exists()
    assert not (home / ".carryover").exists()


def test_what_was_forgotten_is_not_read_from_disk_either(shop: Path) -> None:
    private_dir(state_dir().root)
    assert tombstones_of(state_dir()) is None
    catch_up(state_dir(), str(shop))
    assert main(["forget", CHECKOUT, "--yes"]) == 0
    sources = of_project(sources_on_disk(Config()), {str(shop)})

    with temporary_ledger(sources, adapters(), tombstones=tombstones_of(state_dir())) as ledger:
        assert [row.native_id for row in sessions(ledger, limit=10)] == [DISCOUNT]


def test_catching_up_reads_the_project_and_leaves_the_others_for_the_daemon(home: Path, shop: Path) -> None:
    transcript(home, "-other", "00000000-0000-4000-8000-000000000001", "/srv/other")
    private_dir(state_dir().root)

    catch_up(state_dir(), str(shop))

    ledger = connect_read_only(state_dir().ledger)
    roots = [project.root for project in projects(ledger)]
    ledger.close()
    assert roots == [str(shop)]


def test_a_ledger_that_somebody_else_writes_is_left_alone(shop: Path) -> None:
    private_dir(state_dir().root)

    with FileLock(state_dir().lock), pytest.raises(UserError, match="Another process is using the ledger"):
        catch_up(state_dir(), str(shop))

    assert not state_dir().ledger.exists()


def test_what_cannot_be_read_belongs_to_no_project(home: Path) -> None:
    broken = transcript(home, "-a", "00000000-0000-4000-8000-000000000001", "/srv/app")
    broken.write_text("not JSON at all\n")

    assert of_project(sources_on_disk(Config()), {"/srv/app"}) == []
