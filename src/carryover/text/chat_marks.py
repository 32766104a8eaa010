"""Chat-template marks of open models, which separate turns and must not occur in quoted text."""

from __future__ import annotations

import re
from typing import Final

_CHAT_MARK: Final = re.compile(
    r"<(?=\||\uff5c|<?/?SYS>>|/?s>)|\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT))\]",
    re.I,
)


def without_chat_marks(text: str) -> str:
    """Returns `text` with chat-template marks (`<|im_start|>`, `<<SYS>>`, `[INST]`, `</s>`) readable but harmless."""
    return _CHAT_MARK.sub(lambda mark: f"({mark[1]})" if mark[1] else "‹", text)
