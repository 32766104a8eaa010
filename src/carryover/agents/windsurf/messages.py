"""What the model said, out of the Markdown that `post_cascade_response` gives of a turn.

The turn's steps stand in it one after the other: what the model said under a heading, what it did as a line in italics.
Both as conversations look that people exported from the editor; the hook itself was seen by nobody we know.
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


def said_in(response: str) -> str:
    """Returns the words of the model; all of it where no heading says which they are."""
    first, *rest = _HEADING.split(response)
    parts = [text for heading, text in zip(rest[::2], rest[1::2], strict=True) if heading == "Planner Response"]
    words = [_CODE_LINK.sub(r"\1", _ACTION.sub("", text)).strip() for text in (parts if rest else [first])]
    return "\n\n".join(text for text in words if text)
