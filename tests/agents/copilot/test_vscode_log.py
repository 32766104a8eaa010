"""The log of mutations: what its lines come to, and what bad ones cost."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.copilot.chats import Log, chat, lines_of, log_of, markdown, request
from carryover.agents.copilot.vscode_log import MAX_INDEX, is_log, replayed, state_of


def state_after(*entries: Any) -> Any:
    """The state that a log comes to, as plain JSON; None where it comes to none."""
    state, _ = replayed(lines_of(entries))
    return None if state is None else msgspec.json.decode(msgspec.json.encode(state))


def problem_of(data: bytes) -> str | None:
    return replayed(data)[1]


PARTS = st.lists(st.text(max_size=8).map(markdown), max_size=4)
REQUESTS = st.lists(st.builds(lambda name, parts: request(name, *parts), st.sampled_from("abcde"), PARTS), max_size=4)
STATES = st.builds(
    lambda requests, title: chat("any", *requests) | ({"customTitle": title} if title is not None else {}),
    REQUESTS,
    st.none() | st.text(max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(states=st.lists(STATES, min_size=1, max_size=6))
def test_a_log_comes_to_the_state_that_was_written_last(states: list[dict[str, Any]]) -> None:
    log = Log()
    for state in states:
        log.write(state)
        assert state_after(*log.entries) == state


def test_each_kind_of_line_does_what_the_editor_does() -> None:
    initial = {"kind": 0, "v": {"a": [1, 2, 3], "b": {"c": 1}, "d": 5}}

    assert state_after(initial, {"kind": 1, "k": ["b", "c"], "v": {"x": []}}) == {
        "a": [1, 2, 3],
        "b": {"c": {"x": []}},
        "d": 5,
    }
    assert state_after(initial, {"kind": 2, "k": ["a"], "v": [4], "i": 1})["a"] == [1, 4]
    assert state_after(initial, {"kind": 2, "k": ["a"], "v": [4]})["a"] == [1, 2, 3, 4]
    assert state_after(initial, {"kind": 2, "k": ["a"], "i": 0})["a"] == []
    assert state_after(initial, {"kind": 2, "k": ["new"], "v": [1]})["new"] == [1]
    assert "d" not in state_after(initial, {"kind": 3, "k": ["d"]})
    assert state_after(initial, {"kind": 1, "k": ["a", 1], "v": 9})["a"] == [1, 9, 3]
    assert state_after(initial, {"kind": 3, "k": ["a", 1]})["a"] == [1, None, 3]
    assert state_after(initial, {"kind": 0, "v": {"z": 1}}) == {"z": 1}
    assert state_after(initial, {"kind": 1, "k": [], "v": {"z": 1}}) == initial["v"]


def test_a_torn_last_line_is_not_there_yet_and_one_that_lacks_only_its_newline_is() -> None:
    whole = log_of(chat("a", request("Go.")), chat("a", request("Go.", markdown("Yes."))))

    for cut in range(whole.index(b"\n"), len(whole) - 1):
        state, problem = replayed(whole[:cut])
        assert problem is None
        assert state is not None
        assert b"Yes." not in bytes(state["requests"])
    assert replayed(whole[:-1]) == replayed(whole)


def test_what_follows_a_bad_line_is_left_out_and_said() -> None:
    good = {"kind": 0, "v": {"a": [1]}}
    later = {"kind": 1, "k": ["b"], "v": 1}
    for bad, problem in (
        (b"// noise", "not JSON"),
        (b'{"kind":"0"}', "unexpected entry"),
        (b'{"kind":9,"k":["a"]}', "unexpected entry"),
        (b'{"kind":1,"k":["a",7],"v":1}', "unexpected path"),
        (b'{"kind":1,"k":["a","x","y"],"v":1}', "unexpected path"),
        (b'{"kind":2,"k":["a"],"i":-1}', "unexpected path"),
        (b'{"kind":2,"k":["a"],"i":%d}' % (MAX_INDEX + 1), "unexpected path"),
    ):
        state, found = replayed(lines_of([good]) + bad + b"\n" + lines_of([later]))
        assert (found, state) == (problem, {"a": msgspec.Raw(b"[1]")}), bad


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "nothing in it"),
        (b"\n \n", "nothing in it"),
        (b'{"kind":0,"v":{', "nothing in it"),
        (b'{"kind":1,"k":["a"],"v":1}\n', "no initial state"),
        (b'{"kind":0}\n', "unexpected entry"),
        (b'{"kind":0,"v":[1]}\n', "unexpected entry"),
    ],
)
def test_a_log_without_an_initial_state_is_none(data: bytes, problem: str) -> None:
    """Such files exist: microsoft/vscode#317478."""
    assert replayed(data) == (None, problem)


def test_broken_text_is_mended() -> None:
    state, problem = replayed(b'{"kind":0,"v":{"a":"\\ud83d x","b":"\xff"}}\n{"kind":1,"k":["c"],"v":"\\ude00"}\n')

    assert problem is None
    assert state is not None
    assert set(state) == {"a", "b", "c"}


def test_one_object_is_read_as_it_is() -> None:
    given = chat("flat", request("Go."))
    state, problem = state_of(json.dumps(given, indent=2).encode())

    assert problem is None
    assert msgspec.json.decode(msgspec.json.encode(state)) == given
    assert state_of(b"[]") == (None, "not JSON")
    assert state_of(b" ") == (None, "nothing in it")


def test_a_log_is_recognised_from_one_object_by_its_first_line() -> None:
    assert is_log(log_of(chat("a")))
    assert not is_log(json.dumps(chat("a"), indent=2).encode())
