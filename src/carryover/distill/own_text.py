"""Telling Carryover's own words from the conversation's, so that a handoff never feeds on itself."""

from __future__ import annotations

import re
from typing import Final

_HANDOFF_PATH: Final = re.compile(r"\.carryover[/\\]handoff\.md")
_HANDOFF_TEXT: Final = re.compile(r"^\W{0,4}\[CARRYOVER\] Last updated |^# RESUME PROTOCOL: (?:ask|brief|silent)", re.M)
_GATE_QUESTION: Final = re.compile(r"continue from here,? or are you starting something", re.I)
_GATE_PARAPHRASE: Final = re.compile(
    r"(?:do you want|would you like|shall (?:i|we)|should (?:i|we)|want me) (?:me )?(?:to )?(?:continue|"
    r"carry on|resume|pick up|go on)\b"
    r".{0,80}(?:\bor\b|from here|where (?:we|it|you|they|i) )",
    re.I | re.S,
)
_RESUMING_PREFIX: Final = re.compile(r"^\s*\(resuming:[^)\n]{0,400}\)\s*", re.I)


def names_handoff(subject: str) -> bool:
    """A tool call that reads or writes the handoff file itself."""
    return _HANDOFF_PATH.search(subject) is not None


def is_handoff_text(text: str) -> bool:
    """The text of a handoff, wherever it turns up (pasted, echoed, injected)."""
    return _HANDOFF_TEXT.search(text) is not None


def without_protocol(text: str, *, fresh: bool) -> str | None:
    """The assistant's own words: None for its summary-and-question answer to the `ask` protocol, and the text without
    the `(resuming: ...)` mark of the `brief` one. `fresh`: the session has no task of its own yet, so a paraphrase of
    the protocol's question counts as well."""
    if _GATE_QUESTION.search(text) or (fresh and _GATE_PARAPHRASE.search(text)):
        return None
    return _RESUMING_PREFIX.sub("", text, count=1)
