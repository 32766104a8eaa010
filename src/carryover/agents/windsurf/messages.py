"""What the model said, out of the Markdown that `post_cascade_response` gives of a turn.

It lists the turn's steps in order: text of the model below a heading, actions as lines in italics. The form is that of
conversations that people exported from the editor and published; no capture of the hook itself is known.
"""

from __future__ import annotations

import re
from typing import Final

_HEADING: Final = re.compile(r"^### (Planner Response|User Input)[ \t]*$", re.MULTILINE)
_ACTION: Final = re.compile(
    r"^\*(?:Viewed|Edited|Listed|Created|Deleted|Grep searched|Searched|Read|Ran|Checked|User (?:accepted|rejected))\b"
    r"[^\n]*\*[ \t]*$\n?",
    re.MULTILINE,
)
_CODE_LINK: Final = re.compile(r"\[([^\]\n]+)\]\(cci:\d+://[^)\n]*\)")
"""A link to a place in the code, as only this editor can follow it."""


def said_in(response: str) -> tuple[str, ...]:
    """Returns the texts of the model, oldest first; one with everything if there are no such headings."""
    first, *rest = _HEADING.split(response)
    parts = [text for heading, text in zip(rest[::2], rest[1::2], strict=True) if heading == "Planner Response"]
    texts = (_CODE_LINK.sub(r"\1", _ACTION.sub("", text)).strip() for text in (parts if rest else [first]))
    return tuple(text for text in texts if text)
