"""Codex's prompts: what the user typed, and what the client put around it or in its place."""

from __future__ import annotations

from typing import Final

from carryover import model
from carryover.agents.codex.rollout import Rollout
from carryover.records.fields import digest

_REQUEST: Final = "## My request for Codex:"
_EDITORS_WORDS: Final = ("# Context from my IDE setup:", "# Files mentioned by the user:")
_CLIENTS: Final = ("<environment_context>", "<user_instructions>")


def handle_prompt(rollout: Rollout, text: str, attachments: int) -> None:
    """Adds a prompt, unless the client asks for a review with it or wrote it."""
    words = _typed(text)
    if rollout.context.review or not (words.strip() or attachments):
        return
    body = model.UserPrompt(
        text=words,
        actor="human" if rollout.context.subagent_id is None else "model",
        attachments=attachments,
        # No record begins another turn for what is typed while one runs (0.140 to 0.169).
        in_turn=rollout.turn.counts.get("prompt", 0) > 0,
        # A stored prompt begins with the blank line after its front matter (0.48 to 0.105).
        stored=rollout.context.in_terminal and words.startswith("\n"),
    )
    rollout.say(body, "prompt", digest(text))


def _typed(text: str) -> str:
    """Returns a prompt without what the client's editor extension puts before it; empty if it is the client's own."""
    begins = text.lstrip()
    if begins.startswith(_CLIENTS):
        return ""
    # The last one: the selection before it is a file's, and may hold the same line.
    return text.rpartition(_REQUEST)[2].strip() if begins.startswith(_EDITORS_WORDS) and _REQUEST in text else text


def read_prompt(text: str, _after: str) -> tuple[model.AnyBody, ...]:
    """Returns the events in the text of a `user` message; none if the client wrote it."""
    words = _typed(text)
    return (model.UserPrompt(text=words),) if words.strip() else ()
