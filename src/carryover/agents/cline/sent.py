"""Reads what the model was sent: how each call ended, and the user's words in copies of such texts.

The user's words, the results of calls and what the client tells the model are all texts of the role `user`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from carryover.records.lenient import Fields, fields_of, items_of, text_and_others, text_of
from carryover.text.pattern import later

RESULT: Final = later(r"\A\[(\w+)(?: for '(?:undefined'|(.*?)'))?[^\]\n]{0,200}\] Result:\n?", re.DOTALL)
"""The beginning of a result whose call is in the text of an answer. Of one that lacked its argument, that is
`undefined` (3.15, 2025)."""
LONGEST_HEAD: Final = 20_000
_EXPORTED: Final = later(r"\[(?:Tool|Error)\b[^\]\n]{0,40}\]")
"""The beginning of a result in a task that the extensions of Cline and Roo Code exported as Markdown."""
_WORDS: Final = ("ask_followup_question", "attempt_completion", "plan_mode_respond")
"""The tools by which the model says something. What the user says to it is in their results."""
_BEGUN: Final = later(r"(?:\A|\n)<(task|answer|feedback|user_message)>\n")
_ENDED: Final = later(
    r"\n</(task|answer|feedback|user_message)>"
    r"(?=\s*\Z|\s*<[a-z]{1,20}_[a-z]{1,20}[ >]|\s*\n(?:# (?:TODO LIST|task_progress) |\[\w{1,60} for '))"
)
"""The end of what the user typed, before the files and pages that it names or the client's words on its todo list. All
may contain the closing tag."""
_BEGINS: Final = later(r"<(?:task|user_message)>\n")
"""How what was sent begins. Other prompts may begin so, too; `_DETAILS` or a result confirms it."""
_DETAILS: Final = later(r"^<environment_details>\n", re.MULTILINE)
_NOT_TYPED: Final = ("Files attached by the user:", "<file_content ", "<environment_details>", "<hook_context ")
_WORKFLOW: Final = later(r"<explicit_instructions .*</explicit_instructions>", re.DOTALL)
"""The text of a workflow, before what the user typed. It comes from a file and may contain the closing tag."""


class Result(msgspec.Struct, frozen=True):
    """The result of a call: the call's id if it is a part, or else what the call was about."""

    id: str
    about: str
    text: str


def typed_of(messages: Sequence[Sequence[str]]) -> list[str]:
    """Returns what the user typed in each message, as the contract's `typed`; of a task of Roo Code, too."""
    texts = [text for parts in messages for text in parts]
    if _BEGINS.match(next(iter(texts), "")) is not None and any(map(_is_from_client, texts)):
        return ["\n".join(_typed_in(parts)) for parts in messages]
    if not any(map(_DETAILS.match, texts)):
        return []
    return ["\n".join(text for text in parts if not _DETAILS.match(text)) for parts in messages]


def _is_from_client(text: str) -> bool:
    found = _DETAILS.search(text) or _EXPORTED.match(text)
    return found is not None or RESULT.match(text, 0, LONGEST_HEAD) is not None


def _typed_in(texts: Sequence[str]) -> Iterator[str]:
    open_head = False
    for text in texts:
        head = RESULT.match(text, 0, LONGEST_HEAD)
        is_result = open_head or (head is not None and head[1] not in _WORDS) or _EXPORTED.match(text) is not None
        open_head = head is not None and head[1] not in _WORDS and not text[head.end() :].strip()
        if is_result or text.startswith(_NOT_TYPED):
            continue
        above = head or _WORKFLOW.match(text)  # a question may hold the tags too
        yield from _tagged(text, above.end() - 1 if above is not None else 0)


def _tagged(text: str, start: int) -> Iterator[str]:
    """Yields what the user typed in a text, if anything. Only the first of each tag is tried: if it has no end,
    no later one has."""
    begun = {tag[1]: tag.end() for tag in reversed([*_BEGUN.finditer(text, start)])}
    for tag, typed in sorted(begun.items(), key=lambda found: found[1]):
        ends = (found.start() for found in _ENDED.finditer(text, typed) if found[1] == tag)
        if (end := next(ends, None)) is not None:
            yield text[typed:end].strip()
            return


def results_in(message: Fields) -> Iterator[Result]:
    """Yields the results in a message to the model. The text of one may stand alone, after the one that names the tool
    and what it was about."""
    for part in _parts(message):
        if text_of(part.get("type")) == "tool_result":
            yield Result(text_of(part.get("tool_use_id")), "", _output(part))
    about = ""
    for text in _texts(message):
        head = RESULT.match(text, 0, LONGEST_HEAD)
        said = text[head.end() :] if head is not None else text
        if head is not None:
            about = head[2] or ""
        if about and said:
            yield Result("", about, said)
        if said:
            about = ""


def _parts(message: Fields) -> list[Fields]:
    return [fields_of(part) for part in items_of(message.get("content"))]


def _texts(message: Fields) -> list[str]:
    return [text_of(part.get("text")) for part in _parts(message)] or [text_of(message.get("content"))]


def _output(result: Fields) -> str:
    content = result.get("content")
    return text_of(content) or text_and_others(content)[0]
