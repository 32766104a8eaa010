"""Every agent with hooks: whatever is handed to one costs at most itself, and other programs keep their sessions."""

from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import STARTS, Agent, HookEvent, HookProtocol
from carryover.model import Skipped
from carryover.past.check.damage import HOSTILE, damaged
from contract.case import Case, Payload
from support.by_day import one_in

WORDS: Final = "words of the user"


def read(hooks: HookProtocol, payload: Payload) -> HookEvent | Skipped:
    """What is read of it, checked for what every reading promises."""
    reported = hooks.read(payload.event, payload.data)
    if isinstance(reported, Skipped):
        assert reported.reason
        return reported
    assert reported.session
    assert (reported.action in STARTS) == (reported.reason is not None)
    assert reported.idle_s is None or (math.isfinite(reported.idle_s) and reported.idle_s >= 0)
    assert msgspec.json.decode(msgspec.json.encode(reported), type=HookEvent) == reported
    return reported


def test_a_payload_whose_session_has_another_form_is_said_to_be_the_agents_own(hooks: HookProtocol, case: Case) -> None:
    for payload in case.payloads:
        reported, fields = read(hooks, payload), msgspec.json.decode(payload.data)
        assert isinstance(reported, HookEvent)
        changed = {name: {"id": value} if value == reported.session else value for name, value in fields.items()}
        assert changed != fields
        found = hooks.read(payload.event, msgspec.json.encode(changed))
        assert found == Skipped(f"hook/{payload.event.lower()}", "no id of a session"), payload.event


def test_what_the_client_hands_over_is_understood(hooks: HookProtocol, agent: Agent, case: Case) -> None:
    """Not every client names the transcript each time; some event does, so that the right one is read at once.

    Where payloads are kept they are the transcript, and the script of the hook says where they come from.
    """
    transcripts = set()
    for payload in case.payloads:
        reported = read(hooks, payload)
        assert isinstance(reported, HookEvent), payload.event
        if agent.spec.is_spooled:
            continue
        assert Path(reported.cwd or "").is_absolute()
        assert reported.transcript is None or Path(reported.transcript).is_absolute()
        transcripts.add(reported.transcript)
    assert transcripts - {None} or agent.spec.is_spooled


def test_each_event_that_is_asked_for_has_a_recorded_payload_and_a_meaning(
    hooks: HookProtocol, agent: Agent, case: Case
) -> None:
    reported = {payload.event: read(hooks, payload) for payload in case.payloads}
    actions = {event: getattr(reported.get(event), "action", None) for event in agent.spec.hooks.events}

    assert None not in actions.values()
    assert agent.spec.is_spooled or "hint" not in actions.values()
    assert ("session_start" in actions.values()) == bool(agent.spec.hooks.injects_on)
    assert "turn_end" in actions.values()


def test_another_programs_payload_is_left_to_that_program(hooks: HookProtocol, case: Case) -> None:
    found = [(payload.event.lower(), read(hooks, payload)) for payload in case.foreign]

    assert [reported for _, reported in found if not isinstance(reported, Skipped)] == []
    assert Skipped(f"hook/{found[0][0]}", "another agent's payload") in [reported for _, reported in found]


def test_an_event_of_a_later_version_starts_nothing(hooks: HookProtocol, case: Case) -> None:
    for payload in case.payloads:
        reported = read(hooks, Payload("BrandNewEvent", payload.data))
        assert isinstance(reported, Skipped) or reported.action == "hint"


def test_what_nobody_can_read_is_counted(hooks: HookProtocol, agent: Agent) -> None:
    for event in agent.spec.hooks.events:
        for name, data in HOSTILE.items():
            assert isinstance(read(hooks, Payload(event, data)), Skipped), (event, name)


def test_a_part_that_is_missing_or_of_another_type_raises_nothing(hooks: HookProtocol, case: Case) -> None:
    assert case.payloads
    step = one_in(4)
    for number, payload in enumerate(case.payloads):
        for other in islice(damaged(json.loads(payload.data)), number % step, None, step):
            read(hooks, Payload(payload.event, other))


def test_reasons_repeat_nothing_of_the_content(hooks: HookProtocol, case: Case) -> None:
    """They are counted where everybody may look."""
    counted = 0
    for payload in (*case.payloads, *case.foreign):
        value = json.loads(payload.data)
        for name in value:
            for other in (WORDS, [WORDS], {WORDS: WORDS}):
                reported = read(hooks, Payload(payload.event, json.dumps({**value, name: other}).encode()))
                if isinstance(reported, Skipped):
                    counted += 1
                    assert WORDS not in repr(reported)
    assert counted


@given(event=st.text(max_size=30), data=st.binary(max_size=400))
def test_any_bytes_raise_nothing(hooks: HookProtocol, event: str, data: bytes) -> None:
    assert isinstance(read(hooks, Payload(event, data)), Skipped)


def test_an_answer_holds_the_whole_text(hooks: HookProtocol) -> None:
    assert b"first line" in hooks.answer("first line\nlast line \u2713")
    assert b"last line" in hooks.answer("first line\nlast line \u2713")


def test_a_transcripts_name_tells_its_root(hooks: HookProtocol, agent: Agent, case: Case) -> None:
    for recording in case.recordings:
        root = hooks.layout_root(recording.path)
        assert root == recording.root
        assert agent.source_of(recording.path, root) is not None


@given(data=st.data())
def test_a_root_is_given_only_of_what_is_a_source_below_it(
    hooks: HookProtocol, agent: Agent, case: Case, data: st.DataObject
) -> None:
    parts = data.draw(st.sampled_from(case.recordings)).path.parts
    path = Path("/", *data.draw(st.lists(st.sampled_from(parts) | st.text(max_size=5), max_size=10)))

    root = hooks.layout_root(path)

    assert root is None or agent.source_of(path, root) is not None
