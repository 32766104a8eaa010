from __future__ import annotations

import msgspec
import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import (
    EventBuilder,
    OpenCall,
    differing,
)
from carryover.model import SessionInfo, UserPrompt


class Context(msgspec.Struct, frozen=True):
    cwd: str | None = None


def call(ident: str, **more: object) -> OpenCall:
    return msgspec.structs.replace(OpenCall(id=ident, name="Bash", op="shell"), **more)


@pytest.mark.parametrize(
    ("looks", "output", "kept"),
    [
        (False, "1 passed", "1 passed"),
        (False, "a.py:1\n./.carryover/handoff.md:3: Add a discount\nb.py:2", "a.py:1\nb.py:2"),
        (True, "Add a discount", ""),
    ],
)
def test_a_result_repeats_nothing_of_a_handoff(looks: bool, output: str, kept: str) -> None:
    ended = call("a", handoff=looks, actor="human").ended(ToolOutcome("error", output, 2))

    assert (ended.output, ended.status, ended.exit_code, ended.actor, ended.call_id) == (kept, "error", 2, "human", "a")


def test_what_is_new_of_a_session_comes_first_and_under_the_sessions_own_key() -> None:
    builder = EventBuilder(context=Context(), at_ms=7)
    builder.append("k", UserPrompt(text="hello"), session="s1", cwd="/shop")
    builder.put_info_first("s1", "/shop", differing(SessionInfo(title="T", model="m"), SessionInfo(model="m")))

    first, second = builder.built().events
    assert first.body == SessionInfo(title="T")
    assert first.key.startswith("info/s1/7/")
    assert (second.key, second.at_ms) == ("k", 7)
