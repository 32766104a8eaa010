"""What of the texts in a `user` record, or in the queue, a person typed, what the client put there, what another
session sent, and what only repeats what was typed before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from carryover import model
from carryover.agents.claude_code.lines import ClaudeBuilder
from carryover.records.fields import digest
from carryover.records.lenient import inside, text_of
from carryover.records.text import without_handoff
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
OF_SESSIONS: Final = ("<teammate-message", "<cross-session-message")
"""The beginning of such a message; in a record of its own, a sentence of the client's is in front."""
_SENT: Final = later("|".join(OF_SESSIONS))
_MESSAGE: Final = later(r"<(cross-session|teammate)-message(\s[^>]*)?>(.*)</\1-message>", re.DOTALL)
_NAME: Final = later(r"\sfrom-name=\"([^\"]+)\"")
_UNNAMED: Final = "another session"
_COPYING: Final = ("2.0.29",)
"""Versions whose editor extension writes the history into the same file again, under other ids and times: after an
interruption the next prompt is preceded by a copy of the conversation so far, or of what came since the last copy. Its
records have new uuids, one block each and all the time of the copy, so neither their ids nor their times show what they
repeat. But the first has the place of the prompt that it repeats: the same parent. Other versions (2.0.28, 2.0.31 to
2.1.12) keep the time of a record that they write again: `ClaudeBuilder.second_key`."""
_MOST_PROMPTS: Final = 50


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


def add_message(builder: ClaudeBuilder, text: str, origin: msgspec.Raw) -> bool:
    """Adds another session's message if the text is one (2.1.225 to 2.1.231); returns whether it is. It is an agent's
    words, never the user's."""
    if not text.startswith(OF_SESSIONS) and text_of(inside(origin, "kind")) != "peer":
        return False
    begin = _SENT.search(text)
    found = _MESSAGE.match(text, begin.start()) if begin is not None else None
    words = without_handoff(found[3]).strip() if found is not None else ""
    if found is None or not words or builder.subagent_id is not None:
        return False
    name = _NAME.search(found[2] or "")
    sender = name[1] if name is not None else _UNNAMED
    builder.add(model.UserPrompt(text=words, actor="model", sender=sender), "message", digest(words))
    return True


def is_copy(builder: ClaudeBuilder) -> bool:
    """Whether the record is one of a copy, whose events the session has already; notes what shows the next copy."""
    line, message, known = builder.line, builder.line.message, builder.context.prompts
    if line.version not in _COPYING or builder.subagent_id is not None or message is None:
        return False
    if builder.timed and builder.at_ms == builder.context.copied_ms:
        return True
    blocks = [message.content] if isinstance(message.content, str) else [block.text for block in message.content]
    if line.type != "user" or not blocks or not blocks[0]:
        return False
    place = digest(bytes(line.parent_uuid) + blocks[0].encode("utf-8", "replace"))
    if place in known and len(blocks) == 1:
        builder.change(copied_ms=builder.at_ms)
        return True
    # The first is kept: a copy may begin with it, however long the conversation is.
    builder.change(prompts=(*known[:1], *known[1:][1 - _MOST_PROMPTS :], place))
    return False
