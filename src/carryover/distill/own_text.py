"""Tells Carryover's own text from the conversation, so that a handoff never feeds on itself."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise
from typing import Final

from carryover.records.text import HANDOFF_NAME
from carryover.text.pasted import as_pasted, marked_parts
from carryover.text.pattern import later

PROTOCOL_QUESTION: Final = "Do you want to continue from here, or are you starting something different?"
# A person who starts an agent with it has decided to continue, so it answers the question that the file's protocol
# asks. Its words must set no task, make no decision and ask nothing, however the agent writes them down.
_GO_ON: Final = (
    "Read {path}, then go on with the task it describes. You need not ask whether to continue: the answer is yes."
)
_GO_ON_FORMERLY: Final = ("Read {path}, then go on with the task it describes.",)  # occurs in old transcripts
_PLACE: Final = rf"(?:\.carryover|-[0-9a-f]{{8}})[/\\]{HANDOFF_NAME}"
_POINTS_LIMIT: Final = 5000
_RESUMING_PREFIX: Final = later(r"^\s*\(resuming:[^)\n]{0,400}\)\s*", re.I)
_HANDOFF_START: Final = later(r"^[^\n]{0,8}\[CARRYOVER\] Last updated \d{4}-", re.M)
_HANDOFF_END: Final = later(r"^[^\n]{0,4}Full history: [^\n]*$", re.M)
_WORDS_AFTER: Final = later(r"\n[ \t\r]*\n(?=[ \t]*(?![#>]|- )\S)")
"""A blank line, which no handoff has, and below it neither a heading nor a line of a list."""
_POINTER_BLOCK: Final = later(
    r"<!--CARRYOVER:START-->(?:[^\n]{0,200}\n){1,12}?[^\n]{0,40}<!--CARRYOVER:END-->"  # with numbers before lines, too
)
_EXPORT_START: Final = later(r"[#> \t]{0,8}\[CARRYOVER EXPORT ([0-9a-f]{8})\]")
_EXPORT_END: Final = later(r"^[^\n]{0,8}\[END OF CARRYOVER EXPORT ([0-9a-f]{8})\][^\n]*$", re.M)
_SIGNS: Final = ("[CARRYOVER", "<!--CARRYOVER:")
_AROUND_PATH: Final = [words.split("{path}") for words in (_GO_ON, *_GO_ON_FORMERLY)]
_ONLY_POINTS: Final = later(
    rf"\W*(?:please )?(?:read|open|see|look at) \S{{0,400}}{_PLACE}\W*(?:(?:then|and) )*(?:go on|continue)?\W*"
    + "".join(rf"|\s*{re.escape(before)}.*{_PLACE}\"?{re.escape(after)}\s*" for before, after in _AROUND_PATH),
    re.I,
)


def go_on_prompt(path: str) -> str:
    """Returns the first prompt for an agent that is started with the handoff at `path`. It contains nothing of the
    task, since all users of a machine can read its programs' command lines."""
    return _GO_ON.format(path=f'"{path}"' if " " in path else path)


def only_points_at_handoff(text: str) -> bool:
    """Whether a prompt only asks to read the handoff, so that the task is the one in the handoff."""
    return len(text) <= _POINTS_LIMIT and _ONLY_POINTS.fullmatch(text) is not None


def export_frame(mark: str) -> tuple[str, str]:
    """Returns the text that identifies the first and the last line of an export. `mark` is 8 hex digits that occur
    nowhere between the two lines, so that no quoted file can end the export."""
    return f"[CARRYOVER EXPORT {mark}]", f"[END OF CARRYOVER EXPORT {mark}]"


def is_export(text: str) -> bool:
    """Whether a file's text is an export. Below its last line stands the user's question, which is not taken out."""
    return _EXPORT_START.match(text) is not None


def without_handoffs(text: str) -> str:
    """Returns `text` without the handoffs, exports and pointers in it, whether pasted, echoed or injected. One that was
    pasted ends where its mark does."""
    if not any(sign in text for sign in _SIGNS):
        return text
    if marked := marked_parts(text):
        own = ((was, _without_handoffs(part)) for was, part in marked)
        return "\n\n".join(as_pasted(part) if was else part for was, part in own if part.strip())
    return _without_handoffs(text)


def _without_handoffs(text: str) -> str:
    if "[CARRYOVER EXPORT " in text:
        text = _without_exports(text)
    if "<!--CARRYOVER:" in text:
        text = _POINTER_BLOCK.sub("", text)
    return _without_each(text) if "[CARRYOVER]" in text else text


def _without_each(text: str) -> str:
    """Removes each handoff, from its first line to its last one. If that was not pasted, other words end it, or else
    the next handoff or the text does."""
    kept = []
    position = 0
    starts = [start.start() for start in _HANDOFF_START.finditer(text)]
    for start, limit in pairwise((*starts, len(text))):
        end = _HANDOFF_END.search(text, start, limit) or _WORDS_AFTER.search(text, start, limit)
        kept.append(text[position:start])
        position = end.end() if end is not None else limit
    return "\n".join([*kept, text[position:]])


def _without_exports(text: str) -> str:
    """Removes each export, from its first line to the next last line with the same mark. If the end was not pasted, the
    export extends to the end of the text, provided that it begins a line; otherwise the mark is only mentioned."""
    ends: dict[str, list[int]] = {}
    for end in _EXPORT_END.finditer(text):
        ends.setdefault(end[1], []).append(end.end())
    kept = []
    position = 0
    for start in _EXPORT_START.finditer(text):
        if start.start() < position:
            continue
        after = ends.get(start[1], [])
        at = bisect_right(after, start.end())
        if at == len(after) and start.start() > 0 and text[start.start() - 1] != "\n":
            continue
        kept.append(text[position : start.start()])
        position = after[at] if at < len(after) else len(text)
    return "\n".join([*kept, text[position:]])


def without_mark(text: str) -> str:
    """Returns the assistant's words without the `(resuming: ...)` mark of the `brief` protocol."""
    return _RESUMING_PREFIX.sub("", text, count=1)
