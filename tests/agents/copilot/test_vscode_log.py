"""The log of mutations: what its lines come to, and what bad ones cost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.copilot.chats import Log, chat, lines_of, log_of, markdown, request
from carryover.agents.copilot.vscode_reader import replayed


def state_after(*entries: Any) -> Any:
    """The state that a log comes to, as plain JSON."""
    return msgspec.json.decode(msgspec.json.encode(replayed(lines_of(entries))[0]))


PARTS = st.lists(st.text(max_size=8).map(markdown), max_size=4)
REQUESTS = st.lists(st.builds(lambda name, parts: request(name, *parts), st.sampled_from("abcde"), PARTS), max_size=4)
STATES = st.builds(
    lambda requests, title: chat("any", *requests) | ({"customTitle": title} if title is not None else {}),
    REQUESTS,
    st.none() | st.text(max_size=8),
)


@given(states=st.lists(STATES, min_size=1, max_size=6))
def test_a_log_comes_to_the_state_that_was_written_last(states: list[dict[str, Any]]) -> None:
    log = Log()
    for state in states:
        log.write(state)
        assert state_after(*log.entries) == state


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ({"kind": 1, "k": ["b", "c"], "v": {"x": []}}, {"a": [1, 2, 3], "b": {"c": {"x": []}}}),
        ({"kind": 1, "k": ["a", 1], "v": 9}, {"a": [1, 9, 3], "b": {"c": 1}}),
        ({"kind": 2, "k": ["a"], "v": [4]}, {"a": [1, 2, 3, 4], "b": {"c": 1}}),
        ({"kind": 2, "k": ["a"], "v": [4], "i": 1}, {"a": [1, 4], "b": {"c": 1}}),
        ({"kind": 2, "k": ["a"], "i": 0}, {"a": [], "b": {"c": 1}}),
        ({"kind": 2, "k": ["d"], "v": [1]}, {"a": [1, 2, 3], "b": {"c": 1}, "d": [1]}),
        ({"kind": 3, "k": ["b"]}, {"a": [1, 2, 3]}),
        ({"kind": 0, "v": {"z": 1}}, {"z": 1}),
        ({"kind": 1, "k": ["a", 3], "v": 4}, {"a": [1, 2, 3, 4], "b": {"c": 1}}),
    ],
)
def test_each_kind_of_line_does_what_the_editor_does(line: Any, state: Any) -> None:
    assert state_after({"kind": 0, "v": {"a": [1, 2, 3], "b": {"c": 1}}}, line) == state


def test_a_torn_last_line_is_not_there_yet_and_one_that_lacks_only_its_newline_is() -> None:
    whole = log_of(chat("a", request("Go.")), chat("a", request("Go.", markdown("Yes."))))

    for cut in range(whole.index(b"\n"), len(whole) - 1):
        state, problem = replayed(whole[:cut])
        assert problem == ""
        assert b"Yes." not in bytes(state["requests"])
    assert replayed(whole[:-1]) == replayed(whole)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"// noise", "not JSON"),
        (b'{"kind":"0"}', "unexpected entry"),
        (b'{"kind":9,"k":["a"]}', "unexpected entry"),
        (b'{"kind":1,"k":["a",7],"v":1}', "unexpected entry"),
        (b'{"kind":1,"k":["a","x","y"],"v":1}', "unexpected entry"),
    ],
)
def test_what_follows_a_bad_line_is_left_out_and_reported(bad: bytes, problem: str) -> None:
    later = lines_of([{"kind": 1, "k": ["b"], "v": 1}])

    assert replayed(b'{"kind":0,"v":{"a":[1]}}\n' + bad + b"\n" + later) == ({"a": msgspec.Raw(b"[1]")}, problem)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\n \n", ""),
        (b'{"kind":0,"v":{', ""),
        (b'{"kind":1,"k":["a"],"v":1}\n', "no initial state"),
        (b'{"kind":0,"v":[1]}\n', "no initial state"),
    ],
)
def test_a_log_without_an_initial_state_is_not_read(data: bytes, problem: str) -> None:
    """Such files exist: microsoft/vscode#317478."""
    assert replayed(data) == ({}, problem)
