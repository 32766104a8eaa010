from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import HookEvent, Source
from carryover.adapter.hooks import (
    ACTIONS,
    ClaudeLikeHooks,
    read_own,
    root_above,
)
from carryover.model import AssistantMessage, Skipped


def _talk(path: Path, root: Path) -> Source | None:
    return Source(agent="x", path=str(path)) if path.parent == root else None


def test_a_root_is_the_folder_of_that_name_below_which_the_path_is_a_source() -> None:
    path = Path("/home/dev/talks/one.talk")

    assert root_above(path, _talk, ("talks",)) == root_above(path, _talk) == Path("/home/dev/talks")
    assert root_above(path, _talk, ("notes",)) is None
    assert root_above(Path("talks/one.talk"), _talk, ("talks",)) is None


class _Payload(msgspec.Struct, frozen=True):
    """What a fictional agent hands to its hooks."""

    id: str
    event: str


def test_a_payload_comes_with_its_session_unless_it_is_not_read_or_is_not_ours() -> None:
    def read(payload: bytes) -> object:
        return read_own(
            msgspec.json.Decoder(_Payload), "stop", payload, lambda given, event: given.id * (given.event == event)
        )

    assert read(b'{"id": "s1", "event": "stop"}') == (_Payload("s1", "stop"), "s1")
    assert read(b'{"id": "s1", "event": "start"}') == Skipped("hook/stop", "another agent's payload")
    assert read(b'{"id": 1}') == Skipped("hook/stop", "unexpected shape at $.id")


HOOKS = ClaudeLikeHooks(
    layout_root=lambda path: root_above(path, _talk, ("talks",)),
    actions=ACTIONS,
    early=lambda _event, given, _at_ms: AssistantMessage(text=given.last_words) if given.last_words else None,
    may_be_unwritten=True,
)
TALK = "/home/dev/talks/one.talk"


def heard(event: str, **fields: Any) -> HookEvent | Skipped:
    common = {"session_id": "s1", "transcript_path": TALK, "cwd": "/shop", "hook_event_name": event}
    return HOOKS.read(event, json.dumps({**common, **fields}).encode().replace(b"HERE", b"\\ud83d"), 7)


def reading(**fields: Any) -> HookEvent:
    return msgspec.convert({"session": "s1", "cwd": "/shop", "transcript": TALK, **fields}, HookEvent)


@pytest.mark.parametrize(("idle", "idle_s"), [(1, 1.0), ("soon", None), (-1, None), (1e300, None), ({}, None)])
def test_an_idle_time_that_makes_no_sense_is_unknown(idle: object, idle_s: float | None) -> None:
    resumed = heard("SessionStart", source="resume", seconds_since_last_response=idle)

    assert resumed == reading(action="session_start", reason="resume", idle_s=idle_s)
