from __future__ import annotations

from pathlib import Path

import msgspec

from carryover.adapter.contract import Source
from carryover.adapter.hooks import read_own, root_above, session_start_output, start_reason
from carryover.model import Skipped


def _talk(path: Path, root: Path) -> Source | None:
    return Source(agent="x", path=str(path)) if path.parent == root else None


def test_a_root_is_the_folder_of_that_name_below_which_the_path_is_a_source() -> None:
    path = Path("/home/dev/talks/one.talk")

    assert root_above(path, _talk, ("talks",)) == root_above(path, _talk) == Path("/home/dev/talks")
    assert root_above(path, _talk, ("notes",)) is None
    assert root_above(Path("talks/one.talk"), _talk, ("talks",)) is None


def test_a_word_that_no_version_uses_is_no_reason() -> None:
    assert [start_reason(word) for word in ("compact", "reborn", None)] == ["compact", None, None]


def test_half_of_a_surrogate_pair_in_a_handoff_does_not_break_the_answer() -> None:
    assert session_start_output("a\ud800b") == {"hookEventName": "SessionStart", "additionalContext": "a?b"}


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
