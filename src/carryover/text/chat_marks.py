"""Marks that must not occur in quoted text: of chat templates, of agents' own messages, and Carryover's own. Pure."""

from __future__ import annotations

import re
from typing import Final

_CHAT_MARK: Final = re.compile(
    r"<(?=\||\uff5c|<?/?SYS>>|/?s>)|\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT))\]",
    re.I,
)
_OUR_MARKS: Final = re.compile(r"\[CARRYOVER\]|CARRYOVER:(?:START|END)|RESUME PROTOCOL", re.I)
_COMMENT: Final = re.compile(r"<!--|-->")
_AGENT_TAG: Final = re.compile(
    r"<(?=/?(?:[a-z]+[-_][\w-]+|system|user|assistant|human|instructions?|context|tool|function|invoke|thinking)\b)",
    re.I,
)


def without_chat_marks(text: str) -> str:
    """Returns `text` with chat-template marks (`<|im_start|>`, `<<SYS>>`, `[INST]`, `</s>`) readable but harmless."""
    return _CHAT_MARK.sub(lambda mark: f"({mark[1]})" if mark[1] else "‹", text)


def without_marks(text: str) -> str:
    """Returns `text` unable to pass for a comment, for Carryover's own marks, or for a message of an agent."""
    text = _OUR_MARKS.sub(
        lambda mark: mark.group().lower().replace("[", "(").replace("]", ")"), _COMMENT.sub("--", text)
    )
    return without_chat_marks(_AGENT_TAG.sub("‹", text))
