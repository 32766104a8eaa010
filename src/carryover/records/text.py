"""Cleans up text that a tool printed, and finds Carryover's own text in it."""

from __future__ import annotations

import re
from typing import Final

from carryover.text.pattern import later

_ANSI: Final = later(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_=>78]|[*+(#%)][0-9A-Z])")
# What is left where a program or a log wrote ESC as something visible, which it only does before a colour or a
# movement of the cursor; in a list or an index (`a[1]`, `[5m ago]`) nothing of that kind comes before the bracket.
_SPELT_OUT: Final = later(
    r"(?:\\u001[bB]|\\x1[bB]|\\033|\\e|\^\[|\u241b|\ufffd)\[\d{0,3}(?:;\d{1,3}){0,6}[A-HJKSTfhlm]"
)
# Without any ESC only colours are removed, and only from a text in which one of them is certain.
_COLOUR: Final = later(r"\[(?:\d{1,3}(?:;\d{1,3}){0,6})?m")
_SURELY_COLOURED: Final = later(r"\[(?:0|22|39|49|\d{1,3}(?:;\d{1,3}){1,6})m")

_REMINDER: Final = "<system-reminder>"
_REMINDER_END: Final = "</system-reminder>"
HANDOFF_HEAD: Final = "# [CARRYOVER] Last updated"
HANDOFF_NAME: Final = r"(?:handoff(?:-[a-z-]+)?|more)\.md"
"""Pattern for the names of the files that Carryover writes for agents in a project: handoffs, and their second page."""
READS_PAGE: Final = "read `{page}`"
"""How most agents are asked to read the second page."""
_HANDOFF_END: Final = later(r"^[^\n]{0,12}Full history: `carryover show [^\n]*\n?", re.M)
"""A handoff's last line, perhaps with its number or a mark before it."""
_HANDOFF_FILE: Final = later(rf"\.carryover[/\\]{HANDOFF_NAME}(?![\w.-])")
_OWN_FOLDER: Final = later(r"\.carryover(?![\w.-])")


def tagged(text: str, tag: str, start: int = 0) -> str | None:
    """Returns the text between the first `<tag>` after `start` and its closing tag; None if there is no such pair."""
    opening = f"<{tag}>"
    closing = f"</{tag}>"
    opened = text.find(opening, start)
    closed = text.find(closing, opened) if opened >= 0 else -1
    return text[opened + len(opening) : closed] if closed >= 0 else None


def without_reminders(text: str) -> str:
    """Returns `text` without the blocks that clients add to tool output and summaries (Claude Code 2.0.65 and 2.1.328,
    Qwen Code)."""
    kept = []
    at = 0
    # No pattern: it would search to the end of the text from each opener that has no closer, and from each line end.
    while (start := text.find(_REMINDER, at)) >= 0 and (end := text.find(_REMINDER_END, start)) >= 0:
        kept.append(text[at:start].rstrip("\n"))
        at = end + len(_REMINDER_END)
    return "".join((*kept, text[at:]))


def without_last_block(text: str, *tags: str) -> str:
    """Returns `text` without the block at its end that the first of `tags` opens and one of them closes, and without
    the blanks before it."""
    # No pattern: it would search to the end of the text from each blank and from each opening tag.
    if not text.rstrip().endswith(tuple(f"</{tag}>" for tag in tags)):
        return text
    opened = min((at for tag in tags if (at := text.find(f"<{tag}>")) >= 0), default=None)
    return text if opened is None else text[:opened].rstrip()


def without_ansi(text: str) -> str:
    """Returns `text` without terminal escapes, including those whose ESC is lost or written in a visible form."""
    if "[" not in text and "\x1b" not in text:
        return text
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = _SPELT_OUT.sub("", text)
    return _COLOUR.sub("", text) if _SURELY_COLOURED.search(text) else text


def without_handoff(output: str) -> str:
    """Returns `output` without text of Carryover's handoff: the whole file, or lines of it that a search found."""
    if HANDOFF_HEAD in output:
        output = _without_whole(output)
    if _HANDOFF_FILE.search(output) is None:
        return output
    return "\n".join(line for line in output.split("\n") if not names_handoff_file(line))


def _without_whole(text: str) -> str:
    """Returns `text` without each handoff in it, from the line with its head to the last one that may be its own last
    line: what it quotes may look like that. All below one without an end is left out."""
    kept = []
    at = 0
    while (head := text.find(HANDOFF_HEAD, at)) >= 0:
        kept.append(text[at : max(at, text.rfind("\n", at, head) + 1)])
        following = text.find(HANDOFF_HEAD, head + 1)
        *_, last = (None, *_HANDOFF_END.finditer(text, head, following if following >= 0 else len(text)))
        at = last.end() if last is not None else following if following >= 0 else len(text)
    return "".join((*kept, text[at:]))


def names_handoff_file(text: str) -> bool:
    """Whether `text`, a path, a command or a line of output, names a file that Carryover writes for agents."""
    return _HANDOFF_FILE.search(text) is not None


def names_own_folder(text: str) -> bool:
    """Whether `text`, a command or a path, refers to Carryover's own files in a project."""
    return _OWN_FOLDER.search(text) is not None
