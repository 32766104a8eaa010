"""Adds what most agents say in one way: prompts, answers, summaries, failed requests, each under a key of the record.

Which handler a record has is a table's row too (`dispatch`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from carryover.model import Actor, AgentSummary, AssistantMessage, UserPrompt
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import Kinds, parts_by_heading, parts_by_tag
from carryover.records.text import without_handoff
from carryover.transcript.branches import SAID
from carryover.transcript.recorder import Recorder

LIMIT_STATUSES: Final = (402, 429)
"""Statuses of HTTP that say that a limit of use was reached."""


def dispatch(
    recorder: Recorder[Any],
    handlers: Mapping[str, Callable[..., None] | None],
    kind: str,
    *given: Any,
    what: str,
    within: str = "",
) -> None:
    """Has a record, or a part of one, handled by its kind; None: it holds nothing for a handoff.

    One of a kind that the table does not have is counted as an unknown `what`, with `within` before the kind.

    >>> from carryover.transcript.recorder import SessionContext
    >>> recorder = Recorder(context=SessionContext())
    >>> dispatch(recorder, {"note": None}, "sketch", what="page", within="book/")
    >>> recorder.skipped[0].record_type, recorder.skipped[0].reason
    ('book/sketch', 'unknown page')
    """
    if kind not in handlers:
        recorder.skip(within + kind, f"unknown {what}")
    elif (handler := handlers[kind]) is not None:
        handler(recorder, *given)


def add_prompt(
    recorder: Recorder[Any],
    key: str,
    text: str,
    *,
    actor: Actor = "human",
    command: str | None = None,
    attachments: int = 0,
    in_turn: bool = False,
) -> None:
    """Adds a prompt, if there is anything in it."""
    if text.strip() or command or attachments:
        prompt = UserPrompt(text=text, actor=actor, command=command, attachments=attachments, in_turn=in_turn)
        recorder.add(prompt, key)


def add_answer(
    recorder: Recorder[Any],
    key: str,
    text: str,
    *,
    final: bool | None = None,
    aborted: bool = False,
    goes_on: bool = False,
) -> None:
    """Adds what a model said, if it said anything."""
    if text.strip():
        recorder.add(AssistantMessage(text=text, final=final, aborted=aborted, goes_on=goes_on), key)


def add_summary(
    recorder: Recorder[Any],
    key: str,
    text: str,
    kinds: Kinds | None = None,
    *,
    without: Collection[str] = (),
) -> None:
    """Adds the summary that a compaction made, with its sections in the tags or under the headings `kinds`, but for
    those `without`."""
    if text := without_handoff(text).strip():
        parts = parts_by_tag(text, kinds or {}) or parts_by_heading(text, kinds or {})
        parts = tuple(part for part in parts if part.heading.lower() not in without)
        recorder.add(AgentSummary(text=text, source="compaction", parts=parts), key)


def add_failure(
    recorder: Recorder[Any], key: str, said: str, *, status: int | None = None, limited: bool = False
) -> None:
    """Adds that a request failed and the turn with it: `said` by the provider, with the `status` of HTTP. It was
    `limited`, at a limit of use, also if one of both says so."""
    limited = limited or status in LIMIT_STATUSES or names_limit(said)
    recorder.add(failed_turn(said, recorder.at_ms, limited=limited), key)


def said_in(recorder: Recorder[Any]) -> tuple[bytes, ...]:
    """Returns the keys of what was said in a record, as bytes, since text in a context might be taken for a secret."""
    return tuple(event.key.encode("utf-8", "replace") for event in recorder.events if isinstance(event.body, SAID))
