"""What of the texts in a `user` record, or in the queue, a person typed, and what the client put there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from carryover.text.pattern import later

_GLUED_BEFORE: Final = later(r"\s*(?:(?:<(ide_\w+)>.*</\1>|<system-reminder>.*?</system-reminder>)\s*)*", re.DOTALL)
"""Up to the last closing tag: what is selected in the editor is a file's, and may hold one."""
_MOST_GLUED: Final = 10
_LOCAL: Final = ("<command-name>", "<local-command-stdout>", "<local-command-stderr>", "<local-command-caveat>")
"""The beginning of a command that the client runs itself, without asking the model, and of its output."""
_SKILL: Final = '<command-message>The "'
"""The beginning of a note that the model runs a skill (2.0, read about)."""
_CLIENTS_WORDS: Final = later(
    r"Unknown slash command: \S+|/rate-limit-options|\{\"task_id\":[^\n]*\}|/[\w:-]+\s*(?:\n\s*⎿[^\n]*)+"
)
"""Texts that the client puts among the user's (2.0.76), or into the queue (2.1.49, 2.1.63); a command that it ran
itself, with what it said (SpecStory's documents of 2025)."""
_ACCEPTED_PLAN: Final = "Implement the following plan:"
_AFTER_PLAN: Final = "\n\nIf you need specific details from before exiting plan mode "
"""Around a plan that was accepted with a new conversation to carry it out (2.1.42, 2.1.63)."""
_MENTION: Final = later(r"\[@([^\]\n]+)\]\([^)\n]+\)")
_ATTACHED: Final = later(r"<context ref=\"[^\"\n]*\">.*</context>", re.DOTALL)
"""Blocks of an editor that works through the SDK: a file named among the words, and its content (2.1.132)."""


def typed_and_attached(texts: Sequence[str]) -> tuple[str, int]:
    """Returns the person's own words in the blocks of a record, and how many files are attached to them."""
    own = [kept for text in texts if (kept := without_client_blocks(text))]
    words = [text for text in own if not _ATTACHED.fullmatch(text)]
    named = [_MENTION.fullmatch(text) for text in words]
    shown = [f"@{name[1]}" if name else text for name, text in zip(named, words, strict=True)]
    return (" " if any(named) else "\n").join(shown), len(own) - len(words)


def without_client_blocks(text: str) -> str:
    """Returns a prompt without the blocks that the client adds at its beginning or end. Blocks in the middle are the
    user's.

    Seen: `<ide_opened_file>` in front (2.1.11), `<system-reminder>` at the end (2.0.65).
    """
    text = text.rstrip()
    if text.startswith("<system-reminder>") and text.endswith("</system-reminder>"):
        return ""  # a part of its own, which may quote files with that tag
    text = _GLUED_BEFORE.sub("", text, count=1)
    for _ in range(_MOST_GLUED):
        opened = text.rfind("<system-reminder>") if text.endswith("</system-reminder>") else -1
        text = text[:opened].rstrip() if opened >= 0 else text
    return text.rpartition(_AFTER_PLAN)[0].rstrip() if text.startswith(_ACCEPTED_PLAN) and _AFTER_PLAN in text else text


def is_clients(text: str) -> bool:
    """Whether the client wrote a text that stands for the user's."""
    return text.startswith((*_LOCAL, _SKILL)) or _CLIENTS_WORDS.fullmatch(text) is not None
