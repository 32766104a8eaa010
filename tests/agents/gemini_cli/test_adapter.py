"""A transcript that is one document, rewritten with each message (0.26.0)."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from agents.gemini_cli.contract_case import documents, recording
from carryover.adapter.contract import Source
from carryover.agents.gemini_cli.adapter import AGENT
from carryover.agents.gemini_cli.store import start_folder
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, Event, FileEdit, ToolResult, UserPrompt
from carryover.transcript.sources import sources_of
from contract.case import Recording, of, read_on, source_at
from support.clock import LATER_MS

NAME = "session-2026-11-20T06-00-0a1b2c3d"
ONE_SHOT = recording("0.26.0/one-shots", "b1b751cc")


def events_of(path: Path) -> list[Event]:
    return read_on(AGENT, Source(agent=AGENT.id, path=str(path))).events


@pytest.mark.parametrize("found", documents(), ids=str)
def test_a_recorded_document_is_understood_whole(found: Recording) -> None:
    reading = read_on(AGENT, source_at(AGENT, found))

    assert reading.skipped == []
    assert {event.cwd for event in reading.events} == {"/home/dev/shop"}


def test_what_happened_in_a_recorded_document() -> None:
    events = events_of(ONE_SHOT.path)

    assert [prompt.text for prompt in of(events, UserPrompt)] == [
        "Make a pear cost as much as an apple",
        "Look at @stock.py and plan the plum",
    ]
    assert [(ended.op, ended.status, ended.exit_code) for ended in of(events, ToolResult)] == [
        ("shell", "error", 1),
        ("edit", "error", None),
        ("edit", "ok", None),
        ("write", "ok", None),
        ("shell", "ok", 0),
        ("plan", "ok", None),
    ]
    assert [(edit.path, edit.line) for edit in of(events, FileEdit)] == [
        ("/home/dev/shop/prices.py", 2),
        ("/home/dev/shop/NOTES.md", 1),
    ]
    assert [said.final for said in of(events, AssistantMessage)] == [False, None, None]


HALF = ONE_SHOT.path.read_bytes()[:1000]


@pytest.mark.parametrize(
    ("content", "rests", "number"),
    [
        # The client writes in place.
        (HALF, False, errno.EAGAIN),
        (HALF, True, errno.EINVAL),
        (b"{}", True, errno.EINVAL),
        (b'{"sessionId": "a", "messages": 5}', True, errno.EINVAL),
        (b"", True, errno.EINVAL),
    ],
)
def test_half_a_document_is_read_again_until_it_rests(tmp_path: Path, content: bytes, rests: bool, number: int) -> None:
    path = tmp_path / f"{NAME}.json"
    path.write_bytes(content)
    if rests:
        os.utime(path, (1_700_000_000, 1_700_000_000))

    with pytest.raises(OSError, match="not a conversation") as raised:
        AGENT.reader.read(path, None)

    assert raised.value.errno == number


@pytest.mark.parametrize("backwards", [False, True], ids=["as written", "the other way round"])
async def test_a_document_that_a_newer_client_continued_counts_once(tmp_path: Path, backwards: bool) -> None:
    """0.61.0 copies the folder of 0.26.0 under a new name, and the document into lines beside it."""
    root = shutil.copytree(ONE_SHOT.path.parents[5] / "0.61.0" / "continued-document", tmp_path / "own") / "tmp"
    sources = sources_of(AGENT, root)
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    try:
        for source in sources[::-1] if backwards else sources:
            done = await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
            assert done.error is None
        again = [
            (await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)).new_events
            for source in sources
        ]
    finally:
        await ledger.close()

    assert len(sources) == 4
    assert again == [0] * 4
    assert standing_prompts(tmp_path / "ledger.sqlite") == ["Make a pear cost as much as an apple", "What is left?"]


@pytest.mark.parametrize(
    "task",
    [
        "Your task is to do a deep investigation of the codebase to find all relevant files.\n<objective>\nPrices",
        "Your task is to answer the following question about Gemini CLI:\n<question>\nWhat is a hook?\n</question>",
    ],
)
@pytest.mark.parametrize("backwards", [False, True], ids=["as written", "the other way round"])
async def test_the_document_of_a_sub_agent_of_the_clients_is_that_of_one(
    tmp_path: Path, backwards: bool, task: str
) -> None:
    """It has the session's id, and nothing else says whose it is (0.29.5)."""
    document = json.loads(ONE_SHOT.path.read_bytes())
    root = tmp_path / "tmp"
    own = [
        {"id": f"i{number}", "timestamp": document["startTime"], "type": kind, "content": [{"text": text}]}
        for number, (kind, text) in enumerate((("user", task), ("gemini", "I look."), ("user", "You MUST end now.")))
    ]
    for name, written in (("06-00", document), ("06-01", document | {"messages": own})):
        chat(tmp_path, "shop", f"session-2026-11-20T{name}-b1b751cc.json").write_text(json.dumps(written))
    sources = sources_of(AGENT, root)
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    try:
        for source in sources[::-1] if backwards else sources:
            assert (await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)).error is None
    finally:
        await ledger.close()

    assert len(sources) == 2
    assert standing_prompts(tmp_path / "ledger.sqlite") == [
        "Make a pear cost as much as an apple",
        "Look at @stock.py and plan the plum",
    ]


def standing_prompts(path: Path) -> list[str]:
    with closing(connect_read_only(path)) as db:
        [session] = sessions(db, limit=10)
        found = [stored.body for stored in session_events(db, session)]
    return [body.text for body in found if isinstance(body, UserPrompt) and body.actor == "human"]


HASH = hashlib.sha256(b"/home/dev/shop").hexdigest()


def chat(root: Path, slug: str, name: str = f"{NAME}.jsonl") -> Path:
    path = root / "tmp" / slug / "chats" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_start_folder_is_noted_beside_the_transcript(tmp_path: Path) -> None:
    main, sub = chat(tmp_path, "shop"), chat(tmp_path, "shop", "s1/a1.jsonl")
    (tmp_path / "tmp" / "shop" / ".project_root").write_text("/home/dev/shop")

    assert start_folder(main) == start_folder(sub) == "/home/dev/shop"


@pytest.mark.parametrize(
    "noted", [b"/home/dev/sh\0op", b"/home/dev/sh\xffop", b"\xff\xfe/\0h\0", b"/" + b"x" * 900_000]
)
def test_a_noted_start_folder_that_cannot_be_one_costs_nothing_else(tmp_path: Path, noted: bytes) -> None:
    path = chat(tmp_path, "shop", f"{NAME}.json")
    (tmp_path / "tmp" / "shop" / ".project_root").write_bytes(noted)
    shutil.copyfile(ONE_SHOT.path, path)

    events = events_of(path)
    assert any(isinstance(event.body, UserPrompt) for event in events)
    assert not any("\0" in (event.cwd or "") for event in events)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trustedFolders.json", {"/home/dev/other": "TRUST_FOLDER", "/home/dev/shop": "TRUST_FOLDER"}),
        ("projects.json", {"projects": {"/home/dev/shop": "shop"}}),
    ],
)
def test_a_folder_of_that_hash_is_the_start_folder(tmp_path: Path, name: str, content: object) -> None:
    """Clients before `.project_root` name their folders by it (0.26.0)."""
    (tmp_path / name).write_text(json.dumps(content))

    assert start_folder(chat(tmp_path, HASH, f"{NAME}.json")) == "/home/dev/shop"


def test_an_answer_is_json_since_plain_text_would_be_shown_to_the_user() -> None:
    assert AGENT.hooks is not None
    said = json.loads(AGENT.hooks.answer("# Handoff\nwords ✓ \ud83d"))["hookSpecificOutput"]

    assert said == {"hookEventName": "SessionStart", "additionalContext": "\n\n# Handoff\nwords ✓ ?"}
