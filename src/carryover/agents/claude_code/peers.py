"""Messages that another session sends to this one (2.1.225 to 2.1.231): an agent's words, never the user's."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover import model
from carryover.agents.claude_code.lines import ClaudeBuilder
from carryover.records.fields import digest
from carryover.records.lenient import inside, text_of
from carryover.records.text import without_handoff
from carryover.text.pattern import later

OF_SESSIONS: Final = ("<teammate-message", "<cross-session-message")
"""The beginning of such a message; in a record of its own, a sentence of the client's is in front."""
_BEGIN: Final = later("|".join(OF_SESSIONS))
_MESSAGE: Final = later(r"<(cross-session|teammate)-message(\s[^>]*)?>(.*)</\1-message>", re.DOTALL)
_NAME: Final = later(r"\sfrom-name=\"([^\"]+)\"")
_UNNAMED: Final = "another session"


def add_message(builder: ClaudeBuilder, text: str, origin: msgspec.Raw) -> bool:
    """Adds another session's message if the text is one; returns whether it is."""
    if not text.startswith(OF_SESSIONS) and text_of(inside(origin, "kind")) != "peer":
        return False
    begin = _BEGIN.search(text)
    found = _MESSAGE.match(text, begin.start()) if begin is not None else None
    words = without_handoff(found[3]).strip() if found is not None else ""
    if found is None or not words or builder.subagent_id is not None:
        return False
    name = _NAME.search(found[2] or "")
    sender = name[1] if name is not None else _UNNAMED
    builder.add(model.UserPrompt(text=words, actor="model", sender=sender), "message", digest(words))
    return True
