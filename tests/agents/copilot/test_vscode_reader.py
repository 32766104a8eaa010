"""Chats of VS Code on disk: where they are, how they grow, are replaced, copied and damaged, and their folder."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.copilot import chats
from carryover.adapter.contract import Source
from carryover.agents.copilot.adapter import AGENT, kind_by_end
from carryover.agents.copilot.chats import chat_reader, replayed
from carryover.model import AnyBody, AssistantMessage, SessionInfo, ToolCall, ToolResult, UserPrompt
from carryover.platform import LINUX, MACOS
from carryover.transcript.sources import sources_of
from support.platforms import on
from support.shop_in_ledger import counted

ID = chats.uid("one")


def source_at(path: Path) -> Source:
    roots = (folder for folder in path.parents if AGENT.source_of(path, folder) is not None)
    source = AGENT.source_of(path, next(roots))
    assert source is not None
    return source


async def bodies(ledger: Path, sources: list[Source], session: str) -> list[AnyBody]:
    return [event.body for event in await counted(AGENT, ledger, sources, session)]


@pytest.mark.parametrize("user", [".config/Code/User", "Library/Application Support/Code - Insiders/User"])
def test_chats_of_each_editor_are_found(tmp_path: Path, user: str) -> None:
    path = chats.Window(tmp_path / user).store(chats.ONE)
    chats.append(tmp_path / user / "globalStorage" / "emptyWindowChatSessions" / f"{ID}.jsonl", chats.log_of(chats.ONE))

    with on(MACOS if user.startswith("Library") else LINUX):
        found = [source for root in AGENT.spec.roots(tmp_path, {}) for source in sources_of(AGENT, root)]

    assert str(path) in [source.path for source in found]
    assert [(source.session, source.rank) for source in found] == [(ID, 7), (ID, 5)]
    assert kind_by_end(path) == kind_by_end(path.with_suffix(".json")) == "chat"
    assert source_at(path.with_suffix(".json")).rank == 6


def state_after(*entries: Any) -> Any:
    """The state that a log comes to, as plain JSON."""
    state, why = replayed(chats.lines_of(entries))
    assert why == ""
    return msgspec.json.decode(msgspec.json.encode(state))


PARTS = st.lists(st.text(max_size=8).map(chats.markdown), max_size=4)
REQUESTS = st.lists(
    st.builds(lambda name, parts: chats.request(name, *parts), st.sampled_from("abcde"), PARTS), max_size=4
)
STATES = st.builds(
    lambda requests, title: chats.chat("any", *requests) | ({"customTitle": title} if title is not None else {}),
    REQUESTS,
    st.none() | st.text(max_size=8),
)


@given(states=st.lists(STATES, min_size=1, max_size=6))
def test_a_log_comes_to_the_state_that_was_written_last(states: list[dict[str, Any]]) -> None:
    log = chats.Log()
    for state in states:
        log.write(state)
        assert state_after(*log.entries) == state


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ({"kind": 1, "k": ["a", 1], "v": 9}, {"a": [1, 9, 3], "b": {"c": 1}}),
        ({"kind": 1, "k": ["a", 3], "v": 4}, {"a": [1, 2, 3, 4], "b": {"c": 1}}),
        ({"kind": 2, "k": ["a"], "v": [4], "i": 1}, {"a": [1, 4], "b": {"c": 1}}),
        ({"kind": 2, "k": ["d"], "v": [1]}, {"a": [1, 2, 3], "b": {"c": 1}, "d": [1]}),
        ({"kind": 1, "v": 9}, {"a": [1, 2, 3], "b": {"c": 1}}),
        ({"kind": 0, "v": {"z": 1}}, {"z": 1}),
    ],
)
def test_each_kind_of_line_does_what_the_editor_does(line: Any, state: Any) -> None:
    assert state_after({"kind": 0, "v": {"a": [1, 2, 3], "b": {"c": 1}}}, line) == state


def test_a_log_that_was_never_compacted_takes_time_that_grows_with_its_length() -> None:
    log = chats.lines_of([{"kind": 0, "v": {"a": []}}, *[{"kind": 2, "k": ["a"], "v": [1]}] * 60_000])

    began_s = time.thread_time()
    state, _ = replayed(log)
    assert (len(json.loads(bytes(state["a"]))), time.thread_time() - began_s < 3) == (60_000, True)


def test_a_torn_last_line_is_not_there_yet_and_one_that_lacks_only_its_newline_is() -> None:
    whole = chats.log_of(
        chats.chat("a", chats.request("Go.")), chats.chat("a", chats.request("Go.", chats.markdown("Yes.")))
    )

    for cut in range(whole.index(b"\n"), len(whole) - 1):
        state, why = replayed(whole[:cut])
        assert why == ""
        assert b"Yes." not in bytes(state["requests"])
    assert replayed(whole[:-1]) == replayed(whole)


@pytest.mark.parametrize(
    "bad", [b'{"kind":"0"}', b'{"kind":9,"k":["a"]}', b'{"kind":1,"k":["a",7],"v":1}', b'{"kind":3,"k":["a",0,"x"]}']
)
def test_what_follows_an_entry_that_cannot_be_applied_is_left_out_and_reported(bad: bytes) -> None:
    later = chats.lines_of([{"kind": 1, "k": ["b"], "v": 1}])

    found = replayed(b'{"kind":0,"v":{"a":[1]}}\n' + bad + b"\n" + later)
    assert found == ({"a": msgspec.Raw(b"[1]")}, "unexpected entry")


def test_an_answer_that_is_being_written_is_read_as_it_is_now(window: chats.Window) -> None:
    asked = chats.request("Fix add().", state=chats.PENDING)
    reading = chats.ChatReading(window.store(chats.chat("live", asked)))

    def read(*parts: chats.Json, **more: Any) -> list[AnyBody]:
        window.store(chats.chat("live", asked | {"response": list(parts)} | more))
        return [event.body for event in reading.read() if not isinstance(event.body, SessionInfo | UserPrompt)]

    said, runs = chats.markdown("I will run the tests."), chats.shell("make test", "c1")
    assert read(chats.markdown("I will")) == [AssistantMessage(text="I will", final=None, aborted=True)]
    assert [type(body) for body in read(said, runs)] == [AssistantMessage, ToolCall]
    done = chats.shell("make test", "c1", "ok\n", 0)
    assert [type(body) for body in read(said, done)] == [AssistantMessage, ToolCall, ToolResult]
    over = {"modelState": {"value": 1, "completedAt": 1_772_442_080_000}}
    last = read(said, done, chats.markdown("All tests pass."), **over)
    assert last[-1] == AssistantMessage(text="All tests pass.", final=True)


@pytest.mark.parametrize("mark", [{"shouldBeRemovedOnSend": {"requestId": "any"}}, {"hiddenFromTranscript": True}])
async def test_a_request_that_is_not_shown_does_not_count(window: chats.Window, tmp_path: Path, mark: Any) -> None:
    undone = chats.ADD | mark
    source = source_at(window.store(chats.chat("two", chats.FIX, chats.ADD)))
    ledger = tmp_path / "ledger.sqlite"
    both = await bodies(ledger, [source], chats.uid("two"))

    window.store(chats.chat("two", chats.FIX, undone))
    left = await bodies(ledger, [source], chats.uid("two"))
    assert left == both[: len(left)]
    assert not any("sub()" in repr(body) for body in left)

    window.store(chats.chat("two", chats.FIX, chats.ADD))
    assert await bodies(ledger, [source], chats.uid("two")) == both


def test_a_chat_that_cannot_be_read_is_counted_once_and_read_when_it_can(window: chats.Window) -> None:
    path = window.path(chats.ONE)
    chats.append(path, b'{"kind":1,"k":["customTitle"],"v":"x"}\n')
    reading = chats.ChatReading(path)
    assert reading.read() == reading.read() == []
    assert [skipped.reason for skipped in reading.skipped] == ["no initial state"]

    chats.replace(path, chats.log_of(chats.chat("one", chats.request("Go.") | {"timestamp": None})))
    assert reading.bodies(UserPrompt) == [UserPrompt(text="Go.")]
    chats.replace(path, chats.log_of(chats.ONE))
    events = reading.read()
    assert len(events) == 9
    chats.replace(path, b"{")
    assert len(reading.read()) == 9
    chats.replace(path, chats.log_of(chats.ONE))
    assert reading.read() == events


@pytest.mark.parametrize("first", [chats.FIX, chats.FIX | {"modelState": {"value": chats.PENDING}}])
def test_a_bad_line_costs_what_follows_until_the_log_is_replaced(window: chats.Window, first: chats.Json) -> None:
    path = window.store(chats.chat("two", first))
    reading = chats.ChatReading(path)
    before = reading.read()
    chats.append(path, b"torn by a crash\n")
    window.store(chats.TWO)

    assert reading.read() == reading.read() == before
    assert [skipped.reason for skipped in reading.skipped] == ["not JSON"]

    window.store(chats.TWO, compact=True)
    assert len(reading.bodies(UserPrompt)) == 2


def test_records_have_the_number_of_their_request(window: chats.Window) -> None:
    """As `--until N` counts: people see requests, not the parts of an answer."""
    batch = chat_reader().read(window.store(chats.chat("counted", chats.ADD, chats.FIX)), None)

    numbers = [record.number for record in batch.records]
    assert (numbers == sorted(numbers), set(numbers)) == (True, {1, 2})


async def test_of_a_chat_in_both_forms_the_log_counts(window: chats.Window, tmp_path: Path) -> None:
    flat, log = source_at(window.store_flat(chats.chat("two", chats.FIX))), source_at(window.store(chats.TWO))
    alone = await bodies(tmp_path / "alone.sqlite", [log], chats.TWO["sessionId"])
    assert len(alone) > 8

    assert await bodies(tmp_path / "a.sqlite", [flat, log, flat], chats.TWO["sessionId"]) == alone
    assert await bodies(tmp_path / "b.sqlite", [log, flat, log], chats.TWO["sessionId"]) == alone


@pytest.mark.parametrize("newer_first", [True, False])
async def test_of_copies_in_two_windows_the_newer_one_counts(tmp_path: Path, *, newer_first: bool) -> None:
    """A window that becomes another copies its chats, and leaves the originals."""
    old, new = chats.Window(tmp_path / "User", name="0" * 32), chats.Window(tmp_path / "User", name="1" * 32)
    paths = old.store(chats.chat("two", chats.FIX)), new.store(chats.TWO)
    for number, path in enumerate(paths):
        os.utime(path, ns=(10**18 + number, 10**18 + number))
    sources = [source_at(path) for path in paths]
    alone = await bodies(tmp_path / "alone.sqlite", sources[1:], chats.TWO["sessionId"])
    assert len(alone) == 18

    order = sources[::-1] if newer_first else sources
    assert await bodies(tmp_path / "both.sqlite", order, chats.TWO["sessionId"]) == alone

    # It is continued in the old window after all.
    old.store(chats.chat("two", chats.FIX, chats.request("And now?", at_s=900)))
    os.utime(paths[0], ns=(2 * 10**18, 2 * 10**18))
    assert (await bodies(tmp_path / "both.sqlite", sources, chats.TWO["sessionId"]))[-1] == UserPrompt(text="And now?")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_export_is_recognised_and_read(tmp_path: Path, encoding: str) -> None:
    """Some programs put a mark of the byte order before it."""
    exported = {"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": chats.TWO["requests"]}
    path, again = tmp_path / "chat.json", tmp_path / "again.json"
    path.write_text(json.dumps(exported, indent=2), encoding)
    again.write_text(json.dumps(exported | {"requests": chats.TWO["requests"][:1]}))
    assert AGENT.exported is not None
    source = AGENT.exported(path, path.read_bytes()[: 64 << 10])
    reading = chats.ChatReading(path)

    assert source is not None
    assert (source.agent, source.path) == (AGENT.id, str(path))
    assert (len(reading.bodies(UserPrompt)), reading.skipped) == (2, [])
    assert len({event.session for event in (*reading.read(), *chats.ChatReading(again).read())}) == 1


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b'{"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": [', True),
        (chats.log_of(chats.ONE), True),
        (b'{"requests": []}', False),
        (b'{"x": {"responderUsername": "", "requests": []}}', False),
        (b'{"type": "session.start", "data": {}}', False),
    ],
)
def test_only_a_chat_is_recognised(tmp_path: Path, head: bytes, *, is_one: bool) -> None:
    assert AGENT.exported is not None
    assert (AGENT.exported(tmp_path / "any.json", head) is not None) == is_one


@pytest.mark.parametrize(
    ("named", "cwd"),
    [
        ("/home/dev/my demo%", "/home/dev/my demo%"),
        ({"folder": "file:///home/dev/a%20b/"}, "/home/dev/a b"),
        ({"folder": "file://host/share"}, "remote"),
        ({"workspace": "vscode-remote://wsl%2Bubuntu/home/dev/x.code-workspace"}, "remote"),
        (None, None),
    ],
)
def test_the_folder_is_that_of_the_window(tmp_path: Path, named: Any, cwd: str | None) -> None:
    reading = chats.ChatReading(chats.Window(tmp_path / "User", named).store(chats.chat("any", chats.request("Go."))))
    found = [event.cwd for event in (*reading.read(), *reading.read())]

    assert set(found) == (set() if cwd == "remote" else {cwd})
    assert [skipped.reason for skipped in reading.skipped] == (["remote workspace"] if cwd == "remote" else [])


def test_of_several_folders_the_first_that_a_file_or_command_names_is_it(tmp_path: Path) -> None:
    listing = tmp_path / "both.code-workspace"
    listing.write_text('{"folders": [{"path": "/home/dev/one"}, {"path": "/home/dev/two"},] // both\n}')
    window = chats.Window(tmp_path / "User", {"workspace": listing.as_uri()})

    def folders(name: str, *parts: chats.Json, **more: Any) -> set[str | None]:
        path = window.store(chats.chat(name, chats.request("Go.", *parts), **more))
        return {event.cwd for event in chats.ChatReading(path).read()}

    assert folders("edited", chats.edits("/home/dev/two/a.py", "b\n")) == {"/home/dev/two"}
    assert folders("asked", chats.markdown("Yes.")) == {"/home/dev/one"}
    asked = chats.chat("more", chats.request("Go."), chats.request("And?", state=chats.PENDING))
    assert {event.cwd for event in chats.ChatReading(window.store(asked)).read()} == {"/home/dev/one"}
    assert folders("named", workingDirectory="file:///home/dev/tree") == {"/home/dev/tree"}


@pytest.mark.parametrize(("at", "inside"), [("", "."), ("", "src"), (".vscode", "..")])
def test_a_clone_that_lists_another_project_first_gets_no_chat_into_it(tmp_path: Path, at: str, inside: str) -> None:
    listing = tmp_path / "clone" / at / "clone.code-workspace"
    listing.parent.mkdir(parents=True)
    listing.write_text(json.dumps({"folders": [{"path": str(tmp_path / "other")}, {"path": inside}]}))
    window = chats.Window(tmp_path / "User", {"workspace": listing.as_uri()})
    path = window.store(chats.chat("asked", chats.request("Go.", chats.markdown("Yes."))))

    own = tmp_path / "clone" / ("src" if inside == "src" else "")
    assert {event.cwd for event in chats.ChatReading(path).read()} == {str(own)}
