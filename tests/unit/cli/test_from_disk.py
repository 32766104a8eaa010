from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import carryover.actions.transcript
from carryover.actions.context import state_dir
from carryover.actions.from_disk import (
    catch_up,
    of_project,
    of_session,
    sources_on_disk,
    temporary_ledger,
    tombstones_of,
)
from carryover.actions.transcript import handoff_of_transcript
from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.cli.demo.replay import make_project, replay
from carryover.cli.main import main
from carryover.config import Config
from carryover.distill.digest import Digest
from carryover.distill.view import ProjectView
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir
from carryover.importing.document import Note, encoded
from carryover.ingest.scan import FoundSource
from carryover.ledger.queries import connect_read_only, projects, sessions
from support.recorded_shop import CHECKOUT, DISCOUNT

DISCOUNT_FILE = "c0de0000-0000-4000-8000-000000000001.jsonl"
CHECKOUT_FILE = "c0de0000-0000-4000-8000-000000000012.jsonl"


@pytest.fixture
def elsewhere(shop: Path, tmp_path: Path) -> Path:
    """The transcripts of a project that is not on this machine, in a folder that is no agent's."""
    gone = Path("/home/somebody/shop")
    for transcript in shop.parent.glob(".claude/projects/*/*.jsonl"):
        (tmp_path / transcript.name).write_text(transcript.read_text().replace(str(shop), str(gone)))
    return tmp_path


def sections(text: str) -> list[str]:
    return [line[3:] for line in text.splitlines() if line.startswith("## ")]


def test_neither_git_nor_the_files_of_the_project_are_asked(shop: Path, home: Path) -> None:
    """What they say today was not so at that line of the transcript, and elsewhere they are not there at all."""
    transcript = next(home.glob(f".claude/projects/*/{DISCOUNT_FILE}"))
    before = handoff_of_transcript(transcript, None, None).text
    (shop / "cart.py").write_text("def broken(:\n")

    assert "Git context" not in sections(before)
    assert handoff_of_transcript(transcript, None, None).text == before


def written(path: Path, *records: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def without_folders(text: str) -> str:
    return re.sub(r'"cwd":\s*"[^"]*"', '"version":"2.1.328"', text)


def test_a_file_that_names_no_folder_is_of_the_one_it_lies_in(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").touch()
    folder = tmp_path / "chats"
    folder.mkdir()
    nameless = folder / "nameless.jsonl"
    nameless.write_text(without_folders((elsewhere / DISCOUNT_FILE).read_text()))

    made = handoff_of_transcript(nameless, None, None)

    assert made.root == str(folder), "the repository around it is another's"
    assert "Add a discount function" in made.text


def test_a_sub_agents_own_file_is_the_work_itself(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.loads(line) for line in (elsewhere / DISCOUNT_FILE).read_text().splitlines()]
    said = [line for line in lines if line["type"] in ("user", "assistant")]
    path = written(elsewhere / "agent-a1.jsonl", *({**line, "isSidechain": True, "agentId": "a1"} for line in said))
    views: list[ProjectView] = []
    monkeypatch.setattr(carryover.actions.transcript, "make", lambda view, *_, **__: views.append(view))

    with pytest.raises(UserError, match="holds nothing"):
        handoff_of_transcript(path, None, None)

    [session] = views[0].sessions
    assert (views[0].root, session.subagents) == ("/home/somebody/shop", ())
    assert session.digest != Digest()


def test_a_note_is_nobodys_transcript(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_bytes(encoded(Note(session="note-1", at_ms=1, root=str(tmp_path), title="Advice", text="Use decimals.")))

    with pytest.raises(UserError, match="holds nothing that can be handed over") as raised:
        handoff_of_transcript(path, None, None)

    assert raised.value.code == ExitCode.NOTHING_FOUND


def test_whose_file_it_is_shows_also_below_what_is_too_long_to_be_read(elsewhere: Path) -> None:
    transcript = elsewhere / "long.jsonl"
    transcript.write_bytes(b"x" * (3 << 20) + b"\n" + (elsewhere / CHECKOUT_FILE).read_bytes())

    assert "Wire discount into checkout" in handoff_of_transcript(transcript, None, None).text


@pytest.mark.parametrize("until", [3, 12, 33, 1000])
def test_up_to_a_line_is_as_if_the_file_ended_there(elsewhere: Path, until: int) -> None:
    transcript = elsewhere / DISCOUNT_FILE
    cut = elsewhere / "cut.jsonl"
    cut.write_bytes(b"".join(transcript.read_bytes().splitlines(keepends=True)[:until]))

    assert handoff_of_transcript(transcript, None, until) == handoff_of_transcript(cut, None, None)


@pytest.mark.parametrize("content", ["", '{"type": "something else"}\n', "\x00\xff" * 50])
def test_a_file_that_no_agent_wrote_is_not_guessed_at(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)

    with pytest.raises(UserError, match="Name the agent with --agent") as raised:
        handoff_of_transcript(path, None, None)

    assert raised.value.code == ExitCode.NOTHING_FOUND


def test_nothing_of_the_users_is_read_or_made(home: Path, elsewhere: Path) -> None:
    """Another project's history in the home folder makes no difference, and no state folder appears."""
    other = home / "other"
    make_project(other, os.environ)
    alone = handoff_of_transcript(elsewhere / DISCOUNT_FILE, None, None)
    replay(home / ".claude", other)

    assert handoff_of_transcript(elsewhere / DISCOUNT_FILE, None, None) == alone
    assert not (home / ".carryover").exists()


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
