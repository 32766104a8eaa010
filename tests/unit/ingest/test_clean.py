from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from carryover.ingest.clean import clean_body, clean_context, clean_entry, map_text, without_lone_surrogates
from carryover.model import (
    AnyBody,
    AssistantMessage,
    Event,
    FileEdit,
    PlanItem,
    PlanUpdate,
    Question,
    ToolCall,
    ToolResult,
    Undone,
    UserPrompt,
)
from carryover.records.changes import Change

TOKEN = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"
"""In the form of a token of GitHub; no one's."""


class Context(msgspec.Struct, frozen=True):
    cwd: str = "/repo"
    calls: dict[str, str] = {}
    seen: frozenset[str] = frozenset()
    last: UserPrompt | None = None


def shout(text: str) -> str:
    return text.upper()


@pytest.mark.parametrize(
    ("value", "changed"),
    [
        ("a", "A"),
        (3, 3),
        (None, None),
        (b"a", b"a"),
        (("a", 1), ("A", 1)),
        (["a", ["b"]], ["A", ["B"]]),
        ({"a": "b", "c": {"d": ("e",)}}, {"a": "B", "c": {"d": ("E",)}}),
        (frozenset({"a"}), frozenset({"A"})),
        (
            ToolCall(call_id="c", name="bash", op="shell", subject="ls"),
            ToolCall(call_id="c", name="bash", op="shell", subject="LS"),
        ),
        (Context(calls={"a": "b"}, last=UserPrompt(text="c")), Context("/REPO", {"a": "B"}, last=UserPrompt(text="C"))),
        (
            PlanUpdate(items=(PlanItem(text="a"), PlanItem(text="B"))),
            PlanUpdate(items=(PlanItem(text="A"), PlanItem(text="B"))),
        ),
    ],
)
def test_every_text_is_changed_however_deep_and_what_names_things_stays(value: object, changed: object) -> None:
    assert map_text(value, shout) == changed


@pytest.mark.parametrize("value", ["A", ("A", {"k": ["B"]}), Context(), PlanUpdate(items=(PlanItem(text="a"),))])
def test_what_does_not_change_stays_the_same_object(value: object) -> None:
    assert map_text(value, lambda text: text) is value


@pytest.mark.parametrize(
    ("body", "cleaned", "found"),
    [
        (UserPrompt(text=f"use {TOKEN}"), UserPrompt(text="use [redacted:github]"), 1),
        (
            Question(call_id="c", text="which?", options=("none", f"{TOKEN} or {TOKEN}")),
            Question(call_id="c", text="which?", options=("none", "[redacted:github] or [redacted:github]")),
            2,
        ),
        (
            PlanUpdate(items=(PlanItem(text=f"revoke {TOKEN}", state="done"),)),
            PlanUpdate(items=(PlanItem(text="revoke [redacted:github]", state="done"),)),
            1,
        ),
        (
            FileEdit(path="/repo/src/app.py", change="modify", anchor=f"t = '{TOKEN}'"),
            FileEdit(path="/repo/src/app.py", change="modify", anchor="t = '[redacted:github]'"),
            1,
        ),
        (
            ToolResult(call_id="c", name="Bash", op="shell", status="ok", subject=f"echo {TOKEN}", output=TOKEN),
            ToolResult(
                call_id="c",
                name="Bash",
                op="shell",
                status="ok",
                subject="echo [redacted:github]",
                output="[redacted:github]",
            ),
            2,
        ),
    ],
)
def test_secrets_are_hidden_in_every_text_of_an_event_and_counted(body: AnyBody, cleaned: AnyBody, found: int) -> None:
    counts: Counter[str] = Counter()

    assert clean_body(body, counts) == cleaned
    assert counts == {"github": found}


def test_a_body_without_secrets_stays_the_same_object() -> None:
    body = AssistantMessage(text="nothing to hide", final=True)
    counts: Counter[str] = Counter()

    assert clean_body(body, counts) is body
    assert counts == {}


def test_prompts_and_answers_are_never_cut() -> None:
    counts: Counter[str] = Counter()
    for body in (UserPrompt(text="p" * 200_000), AssistantMessage(text="a" * 200_000)):
        assert clean_body(body, counts) is body


def test_output_is_bounded_and_what_the_agent_left_out_itself_is_added() -> None:
    result = ToolResult(call_id="c", name="Bash", op="shell", status="ok", output="x" * 10_000, dropped=50)

    cleaned: Any = clean_body(result, Counter())

    assert cleaned.dropped == 4_050
    assert len(cleaned.output) < 6_100


def test_an_entry_carries_what_was_hidden_in_it() -> None:
    entry = clean_entry("made-up", Event(key="k", session="s", at_ms=1, body=UserPrompt(text=f"use {TOKEN}")))

    assert entry.body == '{"kind":"user_prompt","text":"use [redacted:github]"}'
    assert entry.event.body == UserPrompt(text="use [redacted:github]")
    assert entry.redacted == {"github": 1}


def test_halves_of_surrogate_pairs_do_not_stop_an_event() -> None:
    """JavaScript programs may write them when they cut a text in the middle of an emoji."""
    event = Event(key="k", session="s", at_ms=1, cwd="/caf\udce9", body=UserPrompt(text="cut \ud83d"))

    entry = clean_entry("made-up", event)

    assert entry.event == Event(key="k", session="s", at_ms=1, cwd="/caf?", body=UserPrompt(text="cut ?"))
    assert without_lone_surrogates("whole \U0001f642") == "whole \U0001f642"


def test_nor_where_they_stand_in_a_path_or_an_id() -> None:
    call = ToolCall(call_id="cut \ud83d", name="Bash", op="shell")

    entry = clean_entry("made-up", Event(key="k", session="s", at_ms=1, body=call))

    assert entry.event.body == ToolCall(call_id="cut ?", name="Bash", op="shell")
    assert msgspec.json.decode(clean_context(Context(cwd="/caf\udce9")), type=Context) == Context(cwd="/caf?")


def test_secrets_in_the_context_are_hidden_and_its_shape_is_kept() -> None:
    context = Context(
        calls={"c1": f"curl -H {TOKEN}"}, seen=frozenset({TOKEN}), last=UserPrompt(text=f"{TOKEN} \ud83d")
    )

    stored = clean_context(context)

    assert msgspec.json.decode(stored, type=Context) == Context(
        calls={"c1": "curl -H [redacted:github]"},
        seen=frozenset({"[redacted:github]"}),
        last=UserPrompt(text="[redacted:github] ?"),
    )


class Call(msgspec.Struct, frozen=True):
    id: str
    subject: str
    changes: tuple[Change, ...] = ()
    closed: tuple[str, ...] = ()


def test_paths_and_ids_in_the_context_are_no_text_and_stay() -> None:
    """A project folder may look like a key, and its session would lose its project."""
    call = Call(
        id=TOKEN,
        subject=f"cat {TOKEN}",
        changes=(Change(path=f"/srv/{TOKEN}/a.py", change="modify", anchor=f"t = '{TOKEN}'"),),
        closed=(TOKEN,),
    )
    context = Context(cwd=f"/srv/{TOKEN}")

    assert msgspec.json.decode(clean_context(context), type=Context).cwd == f"/srv/{TOKEN}"
    assert msgspec.json.decode(clean_context(call), type=Call) == Call(
        id=TOKEN,
        subject="cat [redacted:github]",
        changes=(Change(path=f"/srv/{TOKEN}/a.py", change="modify", anchor="t = '[redacted:github]'"),),
        closed=(TOKEN,),
    )


def test_a_key_that_cannot_be_stored_as_text_still_names_its_event() -> None:
    odd = "turn \ud83d"
    event = Event(key=odd, session="s1", at_ms=1, body=UserPrompt(text="hello"))
    undone = Event(key="u", session="s1", at_ms=2, body=Undone(keys=(odd, "turn 2")))

    assert clean_entry("made-up", undone).undoes[0] == clean_entry("made-up", event).key
