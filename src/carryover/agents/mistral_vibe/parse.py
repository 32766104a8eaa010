"""Turns the pieces of a session into events: prompts, answers, calls, summaries. Pure; FACTS.md has the shapes."""

from __future__ import annotations

from functools import partial
from typing import Final

from carryover.agents.mistral_vibe import tools
from carryover.families import states
from carryover.families.states import Builder
from carryover.model import Actor, AgentSummary, AssistantMessage, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import asked_in
from carryover.records.lenient import Fields, fields_of, inside, items_of, number_of, text_of, time_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_handoff


def _parse_entry(builder: Builder, entry: Fields) -> None:
    builder.at_ms = time_of(entry.get("createdAt"))
    match text_of(entry.get("type")), text_of(entry.get("role")) or text_of(entry.get("kind")):
        case "message", "user":
            _parse_prompt(builder, entry)
        case "message", "assistant":
            aborted = text_of(inside(entry.get("outcome", rawjson.ABSENT), "type")) == "discarded"
            if (text := rawjson.text_of(entry.get("content", rawjson.ABSENT)) or "").strip():
                builder.add(AssistantMessage(text=text, aborted=aborted), "text")
        case "checkpoint", "compaction":
            if text := without_handoff(text_of(entry.get("summary"))).strip():
                builder.add(AgentSummary(text=text, source="compaction"), "summary")
        case "checkpoint", "agent_change" | "model_change" | "rewind":
            pass
        case kind, _:
            builder.skip(kind, "unknown entry")


def _parse_prompt(builder: Builder, entry: Fields) -> None:
    """Handles a prompt. What the client says to the model in the user's role has another source."""
    if text_of(entry.get("source")) not in ("turn_start", "turn_steer"):
        return
    parts = [fields_of(part) for part in items_of(entry.get("content"))]
    text = "\n".join(text_of(part.get("text")) for part in parts if "text" in part)
    files = sum("text" not in part for part in parts)
    if text.strip() or files:
        actor: Actor = "human" if builder.context.subagent_id is None else "model"
        builder.add(UserPrompt(text=text, actor=actor, attachments=files), "prompt")


def _parse_effect(builder: Builder, entry: Fields) -> None:
    """Handles a call or, with the state that it ended in, its result."""
    found = tools.called(builder.ident, entry, builder.context.cwd)
    if found is None:
        builder.skip("effect", "no usable id or name")
        return
    if "state" not in entry:
        builder.at_ms = time_of(entry.get("createdAt"))
        builder.add(found.call.as_event(), "call")
        for number, asked in enumerate(asked_in(found.given.get("questions"))):
            builder.add(asked.as_event(found.call.id), f"question{number}")
        return
    builder.at_ms = time_of(entry.get("updatedAt"))
    outcome = tools.outcome_of(found)
    builder.add(found.call.ended(outcome), "result")
    for part, body in tools.effects_of(found) if outcome.status == "ok" else ():
        builder.add(body, part)


def _parse_turn(builder: Builder, turn: Fields) -> None:
    """Handles the end of the newest turn, if it had no answer."""
    builder.at_ms = time_of(turn.get("completedAt"))
    if text_of(turn.get("status")) == "interrupted":
        builder.add(TurnEnd(reason="interrupted"), "end")
        return
    error = fields_of(turn.get("error"))
    said = text_of(error.get("message"))
    is_limit = number_of(inside(error.get("details", rawjson.ABSENT), "httpStatus")) in (402, 429) or names_limit(said)
    builder.add(failed_turn(said, builder.at_ms, limited=is_limit), "end")


_PIECES: Final = {"entry": _parse_entry, "effect": _parse_effect, "turn": _parse_turn}
parse_record: Final = partial(states.parse, _PIECES)
"""Parses one record of the reader. Never raises: what is not understood is counted in `skipped`."""
