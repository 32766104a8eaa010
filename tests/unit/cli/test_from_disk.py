from __future__ import annotations

import json
from pathlib import Path

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
from carryover.fsio import private_dir
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


def test_a_source_of_many_sessions_goes_with_every_project_and_with_ids_that_no_path_names(home: Path) -> None:
    session = "00000000-0000-4000-8000-000000000001"
    transcript(home, "-a", session, "/srv/app")
    (named,) = sources_on_disk(Config())
    database = FoundSource(Source(agent="claude-code", path="/nowhere/state.db"), 1, 1)

    assert of_project([named, database], {"/srv/app"}) == [named.source, database.source]
    assert of_project([named, database], {"/srv/other"}) == [database.source]
    assert of_session([named, database], session[:8]) == [named.source]
    assert of_session([named, database], "ffff") == [database.source]


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
