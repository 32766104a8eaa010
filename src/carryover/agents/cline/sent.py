"""Reads what the model was sent, `api_conversation_history.json`, as the messages that the user saw of it.

Of a task that was copied this document may be all there is. In it the user's words, the results of calls and what the
client tells the model are all texts of the role `user`. Calls are parts (2025 and later) or in the text of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from carryover.records.lenient import Fields, fields_of, items_of, text_and_others, text_of, time_of
from carryover.text.pattern import later

RESULT: Final = later(r"\A\[(\w+)(?: for '(?:undefined'|(.*?)'))?[^\]\n]{0,200}\] Result:\n?", re.DOTALL)
"""The beginning of a result whose call is in the text of an answer. Of one that lacked its argument, that is
`undefined` (3.15, 2025)."""
LONGEST_HEAD: Final = 20_000
_EXPORTED: Final = later(r"\[(?:Tool|Error)\b[^\]\n]{0,40}\]")
"""The beginning of a result in a task that the extensions of Cline and Roo Code exported as Markdown."""
_SHOWN_AS: Final = {
    "read_file": "readFile",
    "write_to_file": "editedExistingFile",  # or a new one, which nothing here says
    "replace_in_file": "editedExistingFile",
    "apply_diff": "appliedDiff",
    "list_files": "listFilesTopLevel",
    "list_code_definition_names": "listCodeDefinitionNames",
    "search_files": "searchFiles",
    "web_fetch": "webFetch",
    "web_search": "webSearch",
    "new_task": "newTask",
}
"""The tools by the names under which the model calls them, and those under which they are shown."""
_WORDS: Final = {
    "ask_followup_question": ("followup", "question"),
    "attempt_completion": ("completion_result", "result"),
    "plan_mode_respond": ("plan_mode_respond", "response"),
}
"""The tools by which the model says something, how that is shown, and the argument that has the words. What the user
says to it is in their results."""
_OTHERS: Final = ("execute_command", "use_mcp_tool")
_IN_TEXT: Final = later(rf"^<({'|'.join((*_SHOWN_AS, *_WORDS, *_OTHERS))})>$", re.MULTILINE)
"""The beginning of a call in the text of an answer, which has one at most."""
_ARGUMENTS: Final = (
    "command path content diff regex query url question options result response server_name tool_name arguments "
    "context task_progress".split()
)
_THINKING: Final = later(r"\A\s*<thinking>.*?</thinking>\s*", re.DOTALL)
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
_BROKEN_OFF: Final = "[Response interrupted by user]"


class _Called(msgspec.Struct, frozen=True):
    """A call: its id, if it is a part, the tool, and its arguments as text."""

    id: str
    name: str
    args: dict[str, str]


class Result(msgspec.Struct, frozen=True):
    """The result of a call: the call's id if it is a part, or else the tool and what it was about."""

    id: str
    name: str
    about: str
    text: str


def shown_of(sent: list[Fields]) -> Iterator[Fields]:
    """Yields the messages that the user saw, in order, with the results of calls (`result`) and whether there is an
    end (`over`)."""
    for number, message in enumerate(sent):
        at_ms = time_of(message.get("ts"))
        is_answer = text_of(message.get("role")) == "assistant"
        before = sent[number - 1] if number else {}
        found = _of_answer(message, sent[number + 1 : number + 2]) if is_answer else map(_said, _words(message, before))
        for place, shown in enumerate(found):
            # Messages are told apart by their times.
            yield fields_of(msgspec.json.encode({"type": "say", **({"ts": at_ms + place} if at_ms else {}), **shown}))


def _said(text: str) -> dict[str, object]:
    return {"say": "user_feedback", "text": text}


def _words(message: Fields, before: Fields) -> Iterator[str]:
    """Yields what the user typed. The result of any other tool than those that wait for words may be a file."""
    asking = {text_of(part.get("id")) for part in _parts(before) if text_of(part.get("name")) in _WORDS}
    answers = [_output(part) for part in _parts(message) if text_of(part.get("tool_use_id")) in asking]
    return _typed_in((*answers, *_texts(message)))


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


def _of_answer(message: Fields, after: list[Fields]) -> Iterator[dict[str, object]]:
    calls = [_part_called(part) for part in _parts(message) if text_of(part.get("type")) == "tool_use"]
    text = _THINKING.sub("", "\n".join(_texts(message)))
    if not calls and (found := _IN_TEXT.search(text)):
        calls = [_text_called(found[1], text[found.end() :])]
        text = text[: found.start()]
    if said := text.removesuffix(_BROKEN_OFF).strip():
        yield {"say": "text", "text": said}
    results = list(results_in(after[0])) if after else []
    for call in calls:
        result = next((one for one in results if call.id == one.id or call.name == one.name), None)
        if result is not None:
            results.remove(result)
        if progress := call.args.get("task_progress"):
            yield {"say": "task_progress", "text": progress}
        yield {**_shown(call), "result": result.text if result is not None else None, "over": bool(after)}
    if text.endswith(_BROKEN_OFF):
        yield {"say": "api_req_started", "text": '{"cancelReason": "user_cancelled"}'}


def _shown(call: _Called) -> dict[str, object]:
    """Returns the message that shows a call, asked for as any that may be refused."""
    args = call.args
    if call.name in _WORDS:
        kind, words = _WORDS[call.name]
        return {"say": kind, "text": args.get(words, "")}
    if call.name == "execute_command":
        return {"type": "ask", "ask": "command", "text": args.get("command", "")}
    if call.name == "use_mcp_tool":
        named = {"serverName": args.get("server_name", ""), "toolName": args.get("tool_name", "")}
        named |= {"arguments": args.get("arguments", "")}
        return {"type": "ask", "ask": "use_mcp_server", "text": _json(named)}
    shown = {"tool": _SHOWN_AS.get(call.name, call.name), **args}
    return {
        "type": "ask",
        "ask": "tool",
        "text": _json({**shown, "path": args.get("path") or args.get("absolutePath", "")}),
    }


def _part_called(part: Fields) -> _Called:
    given = fields_of(part.get("input"))
    return _Called(
        text_of(part.get("id")), text_of(part.get("name")), {name: text_of(raw) for name, raw in given.items()}
    )


def _text_called(name: str, body: str) -> _Called:
    """Returns a call in a text. Each argument ends with its last closing tag, since a file's text may hold one."""
    body = body.rpartition(f"</{name}>")[0] or body
    args = {}
    for arg in _ARGUMENTS:
        _, opened, rest = body.partition(f"<{arg}>")
        if opened:
            args[arg] = rest.rpartition(f"</{arg}>")[0].strip("\n")
    return _Called("", name, args)


def results_in(message: Fields) -> Iterator[Result]:
    """Yields the results in a message to the model. The text of one may stand alone, after the one that names the tool
    and what it was about."""
    for part in _parts(message):
        if text_of(part.get("type")) == "tool_result":
            yield Result(text_of(part.get("tool_use_id")), "", "", _output(part))
    name = about = ""
    for text in _texts(message):
        head = RESULT.match(text, 0, LONGEST_HEAD)
        said = text[head.end() :] if head is not None else text
        if head is not None:
            name, about = head[1], head[2] or ""
        if name and said:
            yield Result("-", name, about, said)
        if said:
            name = about = ""


def _parts(message: Fields) -> list[Fields]:
    return [fields_of(part) for part in items_of(message.get("content"))]


def _texts(message: Fields) -> list[str]:
    return [text_of(part.get("text")) for part in _parts(message)] or [text_of(message.get("content"))]


def _output(result: Fields) -> str:
    content = result.get("content")
    return text_of(content) or text_and_others(content)[0]


def _json(given: dict[str, str]) -> str:
    return msgspec.json.encode(given).decode()
