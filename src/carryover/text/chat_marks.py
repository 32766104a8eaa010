"""Marks that chat templates of open models put between turns, and that quoted text must not contain."""

from __future__ import annotations

import re
from typing import Final

_CHAT_MARK: Final = re.compile(
    r"<(?=\||\uff5c|<?/?SYS>>|/?s>)|\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT))\]",
    re.I,
)


def without_chat_marks(text: str) -> str:
    """`text` with its chat-template marks (`<|im_start|>`, `<<SYS>>`, `[INST]`, `</s>`) made harmless and readable."""
    return _CHAT_MARK.sub(lambda mark: f"({mark[1]})" if mark[1] else "‹", text)
