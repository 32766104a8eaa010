"""Chats of VS Code on disk: how they grow, are replaced, copied, moved, damaged and given up."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.copilot.chat_reading import LATER_MS, ChatReading
from agents.copilot.chats import (
    ADD,
    FIX,
    ONE,
    PENDING,
    PROJECT,
    TWO,
    Json,
    Log,
    Window,
    append,
    chat,
    edits,
    lines_of,
    log_of,
    markdown,
    replace,
    request,
    shell,
    tool,
    uid,
)
from carryover.adapter.contract import Source
from carryover.agents.copilot.adapter import AGENT
from carryover.agents.copilot.vscode_store import MAX_CHAT_BYTES, SETTLED_MS, ChatReader
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import connect_read_only, session_by_prefix, session_events
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, AssistantMessage, SessionInfo, ToolCall, ToolResult, UserPrompt
from contract.test_stages import standing


@pytest.fixture
def window(tmp_path: Path) -> Window:
    return Window(tmp_path / "User")


def modified_ms(path: Path) -> int:
    return path.stat().st_mtime_ns // 1_000_000


async def counted(ledger_path: Path, sources: Iterable[Source], session: str) -> list[AnyBody]:
    """What counts of a session in a ledger after these sources were read, without facts about the session."""
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        for source in sources:
            result = await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
            assert result.error is None
    finally:
        await ledger.close()
    with closing(connect_read_only(ledger_path)) as db:
        events = session_events(db, session_by_prefix(db, session))
        return [event.body for event in events if not event.retracted and not isinstance(event.body, SessionInfo)]


def source_at(path: Path) -> Source:
    root = next(folder for folder in path.parents if AGENT.source_of(path, folder) is not None)
    source = AGENT.source_of(path, root)
    assert source is not None
    return source


# --- growth


def states_of(state: Json) -> list[Json]:
    """A chat as it came to be: each answer part by part."""
    found = []
    for number, asked in enumerate(state["requests"]):
        before = state["requests"][:number]
        open_one = {name: value for name, value in asked.items() if name != "result"} | {
            "modelState": {"value": PENDING}
        }
        found += [
            state | {"requests": [*before, open_one | {"response": asked["response"][:length]}]}
            for length in range(len(asked["response"]) + 1)
        ]
        found.append(state | {"requests": [*before, asked]})
    return found


def test_a_log_that_grows_byte_by_byte_is_read_once(window: Window) -> None:
    """Each prefix of the file is a state that a reader could meet."""
    log = Log()
    for state in states_of(chat("grows", ADD)):
        log.write(state)
    data = lines_of(log.entries)
    path = window.path(chat("grows"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    reading = ChatReading(path)
    cuts = {*range(0, len(data), 97), *(place + 1 for place, byte in enumerate(data) if byte == 10), len(data)}
    for end in sorted(cuts):
        path.write_bytes(data[:end])
        reading.now_ms = modified_ms(path)
        reading.read()
    reading.now_ms = LATER_MS

    at_once = ChatReading(path).read()
    assert standing(reading.read()) == standing(at_once)
    assert [type(event.body) for event in at_once].count(UserPrompt) == 1


def test_an_answer_that_is_being_written_is_held_back_where_it_may_change(window: Window) -> None:
    asked = request("Fix add().", state=PENDING)
    path = window.store(chat("live", asked))
    reading = ChatReading(path)

    def read(*parts: Json, **more: Any) -> list[AnyBody]:
        window.store(chat("live", asked | {"response": list(parts)} | more))
        reading.now_ms = modified_ms(path) + 1000
        return [event.body for event in reading.read() if not isinstance(event.body, SessionInfo | UserPrompt)]

    said, runs = markdown("I will run the tests."), shell("make test", "c1")
    assert read(markdown("I will")) == []
    assert [type(body) for body in read(said, runs)] == [AssistantMessage]
    done = shell("make test", "c1", "ok\n", 0)
    assert [type(body) for body in read(said, done)] == [AssistantMessage, ToolCall, ToolResult]
    last = read(said, done, markdown("All tests pass."), modelState={"value": 1, "completedAt": 1_772_442_080_000})
    assert last[-1] == AssistantMessage(text="All tests pass.", final=True)


def test_a_chat_that_came_to_rest_in_mid_answer_is_taken_as_it_is(window: Window) -> None:
    path = window.store(chat("killed", request("Go.", markdown("I will"), state=PENDING)))
    reading = ChatReading(path, now_ms=modified_ms(path) + SETTLED_MS)
    assert reading.bodies(AssistantMessage) == []

    reading.now_ms += 1
    assert reading.bodies(AssistantMessage) == [AssistantMessage(text="I will", final=None, aborted=True)]


def test_the_time_of_the_next_read_is_told(window: Window) -> None:
    path = window.store(chat("live", request("Go.", markdown("I will"), state=PENDING)))
    now_ms = modified_ms(path)

    batch = ChatReader(lambda: now_ms).read(path, None)

    assert batch.retry_after_s == SETTLED_MS / 1000 + 1
    assert ChatReader(lambda: LATER_MS).read(path, None).retry_after_s is None


def test_a_log_that_is_replaced_by_one_line_changes_nothing(window: Window) -> None:
    """As after 1,024 entries."""
    path = window.store(TWO)
    reading = ChatReading(path)
    before = reading.read()
    batch = ChatReader(lambda: LATER_MS).read(path, reading.cursor)
    assert batch.records == ()

    window.store(TWO, compact=True)

    assert ChatReader(lambda: LATER_MS).read(path, reading.cursor).records == ()
    assert reading.read() == before


async def test_a_request_that_is_taken_back_no_longer_counts(window: Window, tmp_path: Path) -> None:
    undone = ADD | {"shouldBeRemovedOnSend": {"requestId": ADD["requestId"]}}
    source = source_at(window.store(chat("two", FIX, ADD)))
    ledger = tmp_path / "ledger.sqlite"
    both = await counted(ledger, [source], uid("two"))

    window.store(chat("two", FIX, undone))
    left = await counted(ledger, [source], uid("two"))
    assert left == both[: len(left)]
    assert not any("sub()" in repr(body) for body in left)

    window.store(chat("two", FIX, ADD))
    assert await counted(ledger, [source], uid("two")) == both

    window.store(chat("two", FIX, request("Never mind.", at_s=400)))
    assert (await counted(ledger, [source], uid("two")))[-1] == UserPrompt(text="Never mind.")


def test_an_answer_that_is_taken_back_in_part_keeps_its_beginning(window: Window) -> None:
    answer = [markdown("First."), {"kind": "undoStop", "id": "s1"}, edits("/x/a.py", "b\n"), markdown("Second.")]
    given = request("Go.", *answer, shouldBeRemovedOnSend={"requestId": "r", "afterUndoStop": "s1"})

    assert ChatReading(window.store(chat("any", given))).bodies(AssistantMessage) == [
        AssistantMessage(text="First.", final=True)
    ]


async def test_reading_again_from_the_beginning_adds_nothing(window: Window, tmp_path: Path) -> None:
    source = source_at(window.store(TWO))
    ledger = tmp_path / "ledger.sqlite"
    once = await counted(ledger, [source], TWO["sessionId"])
    assert len(once) == 18

    window.store(TWO, compact=True)
    os.utime(source.path, ns=(1, 1))

    assert await counted(ledger, [source, source], TWO["sessionId"]) == once


async def test_a_chat_that_is_deleted_stays_in_the_ledger(window: Window, tmp_path: Path) -> None:
    source = source_at(window.store(ONE))
    ledger = tmp_path / "ledger.sqlite"
    before = await counted(ledger, [source], ONE["sessionId"])
    Path(source.path).unlink()

    assert await counted(ledger, [source], ONE["sessionId"]) == before


# --- several places


async def test_of_a_chat_in_both_forms_the_log_counts(window: Window, tmp_path: Path) -> None:
    old = chat("two", FIX)
    flat, log = source_at(window.store_flat(old)), source_at(window.store(TWO))
    alone = await counted(tmp_path / "alone.sqlite", [log], TWO["sessionId"])
    assert len(alone) > 8

    assert await counted(tmp_path / "a.sqlite", [flat, log, flat], TWO["sessionId"]) == alone
    assert await counted(tmp_path / "b.sqlite", [log, flat, log], TWO["sessionId"]) == alone


async def test_a_chat_that_moved_from_an_empty_window_counts_in_its_folder(window: Window, tmp_path: Path) -> None:
    empty = tmp_path / "User" / "globalStorage" / "emptyWindowChatSessions" / f"{TWO['sessionId']}.jsonl"
    moved = tmp_path / "User" / "globalStorage" / "transferredChatSessions" / f"{TWO['sessionId']}.json"
    append(empty, log_of(chat("two", FIX)))
    append(moved, json.dumps(chat("two", FIX)).encode())
    sources = [source_at(empty), source_at(moved), source_at(window.store(TWO))]
    alone = await counted(tmp_path / "alone.sqlite", sources[2:], TWO["sessionId"])

    assert await counted(tmp_path / "a.sqlite", sources, TWO["sessionId"]) == alone
    assert await counted(tmp_path / "b.sqlite", sources[::-1], TWO["sessionId"]) == alone


@pytest.mark.parametrize("newer_first", [True, False])
async def test_of_copies_in_two_windows_the_newer_one_counts(tmp_path: Path, *, newer_first: bool) -> None:
    """A window that becomes another copies its chats, and leaves the originals."""
    old, new = Window(tmp_path / "User", name="0" * 32), Window(tmp_path / "User", name="1" * 32)
    paths = old.store(chat("two", FIX)), new.store(TWO)
    for number, path in enumerate(paths):
        os.utime(path, ns=(10**18 + number, 10**18 + number))
    sources = [source_at(path) for path in paths]
    alone = await counted(tmp_path / "alone.sqlite", sources[1:], TWO["sessionId"])
    assert len(alone) == 18

    order = sources[::-1] if newer_first else sources
    assert await counted(tmp_path / "both.sqlite", order, TWO["sessionId"]) == alone

    # It is continued in the old window after all.
    old.store(chat("two", FIX, request("And now?", at_s=900)))
    os.utime(paths[0], ns=(2 * 10**18, 2 * 10**18))
    assert (await counted(tmp_path / "both.sqlite", sources, TWO["sessionId"]))[-1] == UserPrompt(text="And now?")


async def test_the_chat_counts_where_the_extension_wrote_its_events_too(window: Window, tmp_path: Path) -> None:
    lines = [
        {"type": "session.start", "id": "e1", "data": {"vscodeVersion": "1.120.0", "context": {"cwd": PROJECT}}},
        {"type": "user.message", "id": "e2", "data": {"content": "Fix it."}},
    ]
    beside = window.storage / "GitHub.copilot-chat" / "transcripts" / f"{ONE['sessionId']}.jsonl"
    append(beside, lines_of([{"timestamp": "2026-03-02T09:00:00Z", "parentId": None, **line} for line in lines]))
    transcript = source_at(beside)
    first = await counted(tmp_path / "a.sqlite", [transcript], ONE["sessionId"])
    assert UserPrompt(text="Fix it.") in first

    stored = source_at(window.store(ONE))
    alone = await counted(tmp_path / "alone.sqlite", [stored], ONE["sessionId"])
    assert await counted(tmp_path / "a.sqlite", [stored, transcript], ONE["sessionId"]) == alone


# --- folders


def folders_in(path: Path) -> list[str | None]:
    return list(dict.fromkeys(event.cwd for event in ChatReading(path).read()))


@pytest.mark.parametrize(
    ("given", "cwd"),
    [
        ("/home/dev/my demo%", "/home/dev/my demo%"),
        ({"folder": "file:///home/dev/a%20b/"}, "/home/dev/a b"),
        ({"folder": "file://host/share"}, "remote"),
        ({"folder": "vscode-remote://ssh-remote%2Bbox/home/dev/demo"}, "remote"),
        ({"workspace": "vscode-remote://wsl%2Bubuntu/home/dev/x.code-workspace"}, "remote"),
        ({"folder": 5}, None),
        (None, None),
    ],
)
def test_the_folder_is_that_of_the_window(tmp_path: Path, given: Any, cwd: str | None) -> None:
    window = Window(tmp_path / "User", given)
    reading = ChatReading(window.store(chat("any", request("Go."))))

    found = {event.cwd for event in reading.read()}

    if cwd == "remote":
        assert found == set()
        assert [(skipped.record_type, skipped.reason) for skipped in reading.skipped] == [("chat", "remote workspace")]
        assert reading.read() == []
        assert len(reading.skipped) == 1
    else:
        assert found == {cwd}


def test_on_the_remote_side_a_remote_folder_is_here(tmp_path: Path) -> None:
    user = tmp_path / ".vscode-server" / "data" / "User"
    window = Window(user, {"folder": "vscode-remote://ssh-remote%2Bbox/home/dev/a%20b"})

    assert folders_in(window.store(chat("any", request("Go.")))) == ["/home/dev/a b"]


def test_of_several_folders_the_first_that_a_file_or_command_names_is_it(tmp_path: Path) -> None:
    listing = tmp_path / "both.code-workspace"
    listing.write_text('{"folders": [{"path": "/home/dev/one"}, {"path": "/home/dev/two"},] // both\n}')
    window = Window(tmp_path / "User", {"workspace": listing.as_uri()})
    edited = request("Go.", edits("/home/dev/two/a.py", "b\n"))

    assert folders_in(window.store(chat("edited", edited))) == [None, "/home/dev/two"]
    assert folders_in(window.store(chat("asked", request("Go.", markdown("Yes."))))) == [None, "/home/dev/one"]


def test_a_chat_without_a_window_belongs_where_it_first_changed_a_file(tmp_path: Path) -> None:
    window = Window(tmp_path / "User", None)
    path = window.store(chat("any", request("Go.", edits("/home/dev/demo/src/a.py", "b\n"), markdown("Done."))))

    assert folders_in(path) == [None, "/home/dev/demo/src"]


def test_a_chat_may_name_its_folder_itself(window: Window) -> None:
    assert folders_in(window.store(chat("any", request("Go."), workingDirectory="file:///home/dev/tree"))) == [
        "/home/dev/tree"
    ]


# --- damage


def test_a_log_without_an_initial_state_is_counted_once_and_read_when_it_has_one(window: Window) -> None:
    path = window.path(ONE)
    append(path, b'{"kind":1,"k":["customTitle"],"v":"x"}\n')
    reading = ChatReading(path)
    assert reading.read() == reading.read() == []
    assert [skipped.reason for skipped in reading.skipped] == ["no initial state"]

    replace(path, log_of(ONE))
    assert len(reading.read()) == 9


def test_a_line_that_cannot_be_applied_costs_what_follows_until_the_log_is_replaced(window: Window) -> None:
    path = window.store(chat("two", FIX))
    reading = ChatReading(path)
    before = reading.read()
    append(path, b"torn by a crash\n")
    window.store(TWO)

    assert reading.read() == reading.read() == before
    assert [skipped.reason for skipped in reading.skipped] == ["not JSON"]

    window.store(TWO, compact=True)
    assert len([event for event in reading.read() if isinstance(event.body, UserPrompt)]) == 2


def test_one_object_that_is_being_written_is_tried_again(window: Window) -> None:
    path = window.store_flat(ONE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    reading = ChatReading(path, now_ms=modified_ms(path))

    with pytest.raises(OSError, match="being written"):
        reading.read()
    reading.now_ms = LATER_MS
    assert reading.read() == []
    path.write_bytes(data)
    assert len(reading.read()) == 9


def test_a_chat_beyond_measure_is_counted_and_not_held_in_memory(window: Window) -> None:
    path = window.path(ONE)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(MAX_CHAT_BYTES + 1)

    batch = ChatReader(lambda: LATER_MS).read(path, None)

    assert (batch.records, batch.oversized, batch.more) == ((), 1, False)


def test_a_part_beyond_measure_costs_only_itself(window: Window) -> None:
    long = "x" * (9 << 20)
    parts = (
        tool("shot", "c1", resultDetails={"output": [{"value": long}]}),
        edits("/x/a.py", long),
        markdown("Done."),
    )
    reading = ChatReading(window.store(chat("any", request("Go.", *parts))))

    assert [type(event.body) for event in reading.read()] == [
        UserPrompt, ToolCall, ToolResult, AssistantMessage, SessionInfo,
    ]  # fmt: skip
    assert [(skipped.record_type, skipped.reason) for skipped in reading.skipped] == [
        ("part/textEditGroup", "too long")
    ]


def test_a_long_chat_is_read_in_several_batches(window: Window) -> None:
    turns = [request(f"Question {number}.", markdown("x" * 20_000), at_s=number) for number in range(200)]
    path = window.store(chat("long", *turns))
    reader = ChatReader(lambda: LATER_MS)
    batch = reader.read(path, None)
    batches = 1
    while batch.more:
        assert sum(len(record.data) for record in batch.records) < 2 << 20
        batch = reader.read(path, batch.cursor)
        batches += 1

    assert batches > 3
    assert len(ChatReading(path).bodies(UserPrompt)) == 200


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    reader = ChatReader()
    with pytest.raises(FileNotFoundError):
        reader.read(tmp_path / "missing.jsonl", None)
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(OSError, match="not a regular file"):
        reader.read(tmp_path / "folder.jsonl", None)
    os.mkfifo(tmp_path / "fifo.jsonl")
    with pytest.raises(OSError, match="not a regular file"):
        reader.read(tmp_path / "fifo.jsonl", None)


def test_reading_leaves_the_store_as_it_is(window: Window) -> None:
    path = window.store(TWO)
    before = {found: (found.stat(), found.read_bytes()) for found in window.root.rglob("*") if found.is_file()}
    ChatReading(path).read()

    after = {found: (found.stat(), found.read_bytes()) for found in window.root.rglob("*") if found.is_file()}
    stats = [(stat.st_mtime_ns, stat.st_ino, data) for stat, data in before.values()]
    assert [(stat.st_mtime_ns, stat.st_ino, data) for stat, data in after.values()] == stats


# --- exports


def test_an_export_is_recognised_and_read(tmp_path: Path) -> None:
    exported = {"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": TWO["requests"]}
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(exported, indent=2))
    assert AGENT.exported is not None
    source = AGENT.exported(path, path.read_bytes()[: 64 << 10])

    assert source is not None
    assert (source.agent, source.path) == (AGENT.id, str(path))
    reading = ChatReading(path)
    found = reading.read()
    assert len([event for event in found if isinstance(event.body, UserPrompt)]) == 2
    assert len({event.session for event in found}) == 1
    assert reading.skipped == []

    again = tmp_path / "again.json"
    again.write_text(json.dumps(exported | {"requests": TWO["requests"][:1]}))
    assert {event.session for event in ChatReading(again).read()} == {event.session for event in found}


def test_an_export_whose_answers_name_their_session_is_that_session(tmp_path: Path) -> None:
    noted = request("Go.", markdown("Yes."), result={"metadata": {"sessionId": uid("named")}})
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"requesterUsername": "dev", "responderUsername": "x", "requests": [noted]}))

    assert {event.session for event in ChatReading(path).read()} == {uid("named")}


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b'{"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": [', True),
        (b' {\n "requesterUsername": "dev",\n "responderUsername": "GitHub Copilot",\n "requests": []}', True),
        (log_of(ONE), True),
        (json.dumps(ONE).encode(), True),
        (b'{"requests": []}', False),
        (b'{"x": {"responderUsername": "", "requests": []}}', False),
        (b'["responderUsername", "requests"]', False),
        (b'{"kind": 0, "v": {"name": "x"}}', False),
        (b'{"type": "session.start", "data": {}}', False),
        (b"", False),
        (b"\xff\xfe", False),
        (b'{"a": "' + b"\\" * 60_000, False),
    ],
)
def test_only_a_chat_is_recognised(tmp_path: Path, head: bytes, *, is_one: bool) -> None:
    assert AGENT.exported is not None
    assert (AGENT.exported(tmp_path / "any.json", head) is not None) == is_one


def test_the_cursor_stays_small(window: Window) -> None:
    turns = [request(f"Question {number}.", markdown("Yes."), at_s=number) for number in range(1000)]
    batch = ChatReader(lambda: LATER_MS).read(window.store(chat("long", *turns)), None)

    assert len(batch.cursor) < 1000
    assert msgspec.msgpack.decode(batch.cursor)
