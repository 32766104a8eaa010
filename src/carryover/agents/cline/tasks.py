"""Finds and reads tasks, a folder each, below `tasks` in an extension's own folder.

`ui_messages.json` has all that the user saw, `api_conversation_history.json` how each call ended.

The tools in the first are named by what is shown, in the second by what the model called, so a result is found by the
command or path that it names. A task that is put back to a checkpoint loses the messages after it.

What the model was sent, and so the copies of such texts, are of the role `user`: the user's words, the results of calls
and what the client tells the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.adapter.layouts import Layout
from carryover.agents.cline.documents import TaskFacts, document_now, messages_in
from carryover.model import SessionInfo
from carryover.records.fields import SHORT_CHARS, bounded, stated_folder
from carryover.records.lenient import (
    Fields,
    fields_of,
    first_text,
    is_true,
    items_of,
    text_and_others,
    text_of,
    time_of,
)
from carryover.text.pattern import later
from carryover.transcript.files import read_beside, read_head
from carryover.transcript.rewritten import Document, SnapshotReader

TASK: Final = "task"
SHOWN: Final = "ui_messages.json"
SENT: Final = "api_conversation_history.json"
TASKS: Final = Layout(
    kind=TASK,
    root="tasks",
    globs=(f"*/{SHOWN}",),
    pattern=r"[\w-]{1,100}/ui_messages\.json",
    beside=r"([\w-]{1,100})/api_conversation_history\.json",
    stands_for=rf"\1/{SHOWN}",
)
FIRST_TASK: Final = later(rb'\s*\[\s*\{\s*"ts"\s*:\s*\d+\s*,\s*"type"\s*:\s*"say"\s*,\s*"say"\s*:\s*"task"')
"""The beginning of the messages of a task whose first one is named as such."""
FIRST_TEXT: Final = later(rb'\s*\[\s*\{\s*"ts"\s*:\s*\d+\s*,\s*"type"\s*:\s*"say"\s*,\s*"say"\s*:\s*"text"')
"""The beginning of a task, whose first message is a text like any other: Roo Code's, and Cline's before it named it."""
CLINES_MARK: Final = b'"conversationHistoryIndex":'
"""Cline adds it to every message since it has checkpoints, Roo Code to none (public source)."""
_FOLDER: Final = later(
    r"^# Current Work(?:ing|space) Directory \((/[^\n]*|[A-Za-z]:[\\/][^\n]*)\) Files$", re.MULTILINE
)
"""What the model is told of the folder with the first prompt, in a part that begins as `_DETAILS`: before that stands
the prompt, with the files that it names. In this part, what terminals printed stands before it, names of files after
it."""
_DETAILS: Final = "<environment_details>"
_REMINDER: Final = later(r"\n\n\n# (?:todo list|task_progress) ", re.IGNORECASE)
"""What the client adds to a request about its todo list."""
_HEAD_BYTES: Final = 64 << 10
_TRIED_AGAIN: Final = ("api_req_started", "api_req_retried")
_MOST_WAITING: Final = 200
"""Among how many results the one of a call is looked for."""
_KEPT: Final = ("ts", "type", "ask", "say", "text", "contextCondense")
_OF_REQUEST: Final = ("cancelReason", "streamingFailedMessage")
_ABOUT: Final = ("command", "path", "file_path", "regex", "query", "tool_name")


About = tuple[TaskFacts, SessionInfo]
"""What an agent notes about a task beside its messages. `root` of its facts is the task that it is a part of, if
another task began it."""
_RESULT: Final = later(r"\A\[(\w+)(?: for '(?:undefined'|(.*?)'))?[^\]\n]{0,200}\] Result:\n?", re.DOTALL)
"""The beginning of a result whose call is in the text of an answer. Of one that lacked its argument, that is
`undefined` (3.15, 2025)."""
_LONGEST_HEAD: Final = 20_000
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
"""How what was sent begins. Other prompts may begin so, too; `_DETAILS_LINE` or a result confirms it."""
_DETAILS_LINE: Final = later(r"^<environment_details>\n", re.MULTILINE)
_NOT_TYPED: Final = ("Files attached by the user:", "<file_content ", "<environment_details>", "<hook_context ")
_WORKFLOW: Final = later(r"<explicit_instructions .*</explicit_instructions>", re.DOTALL)
"""The text of a workflow, before what the user typed. It comes from a file and may contain the closing tag."""


def document_of_copy(path: Path, head: bytes) -> tuple[Path, bytes]:
    """Returns the document of a copied task that is read, and how it begins: for what the model was sent, the messages
    that the user saw, if they are beside it."""
    if path.name == SENT:
        with suppress(OSError, ValueError):
            return path.with_name(SHOWN), read_head(path.with_name(SHOWN), _HEAD_BYTES)
    return path, head


def about_item(path: Path) -> About:
    """Returns what is noted about the task with these messages in an item of its own (since 2026; before, the editor
    kept it, and the folder is known from what the model was sent)."""
    item = fields_of(read_beside(path.with_name("history_item.json")))
    title = text_of(item.get("task")).partition("\n")[0]
    facts = TaskFacts(
        id=path.parent.name,
        root=text_of(item.get("rootTaskId")) or None if "parentTaskId" in item else None,
        directory=text_of(item.get("workspace")) or None,
    )
    return facts, SessionInfo(title=bounded(title, SHORT_CHARS) or None)


_Result = tuple[str, str]
"""The command or path that a call is about, and its result."""


def task_reader(about: Callable[[Path], About]) -> SnapshotReader:
    """Returns the reader of the messages of a task; `about` returns what is noted beside them."""
    return SnapshotReader(
        lambda path, stat: _taken(path, stat, about(path)),
        beside=lambda path: (path.with_name(SENT), path.with_name("history_item.json")),
    )


def _taken(path: Path, stat: FileStat, about: About) -> Document:
    _, listed = messages_in(path, stat)
    shown = [fields_of(raw) for raw in listed]
    while shown and is_true(shown[-1].get("partial")):
        shown.pop()
    sent = [fields_of(raw) for raw in items_of(msgspec.Raw(read_beside(path.with_name(SENT))))]
    facts, info = about
    facts = msgspec.structs.replace(facts, directory=facts.directory or _folder_in(sent, shown))
    kinds = list(map(kind_of_message, shown))
    requests = [[]] * len(shown) if sent else _in_requests(shown)
    found = [*_with_results(shown, kinds, list(_results(sent)), requests)]
    return document_now(facts, found, at_ms=time_of(shown[0].get("ts")) if shown else 0, info=info)


def _with_results(
    shown: list[Fields], kinds: list[str], results: list[_Result], requests: list[list[_Result]]
) -> Iterator[msgspec.Raw]:
    """Yields the messages, as far as they are read: calls with their results, no request that was tried again."""
    answered = max((at for at, kind in enumerate(kinds) if kind == "api_req_started"), default=0)
    tried_again = _tried_again(kinds)
    for at, (fields, kind) in enumerate(zip(shown, kinds, strict=True)):
        if kind == "api_req_failed" and answered > at and at in tried_again:
            continue
        kept: Fields = {name: fields[name] for name in _KEPT if name in fields}
        if kind == "api_req_started":
            said = fields_of(text_of(fields.get("text")))
            kept["text"] = msgspec.Raw(msgspec.json.encode({name: said[name] for name in _OF_REQUEST if name in said}))
        if about := _called(fields):
            waiting = requests[at] or results
            found = next((result for result in waiting[:_MOST_WAITING] if _is_of(result[0], about)), None)
            if found is not None:
                waiting.remove(found)
            kept["result"] = msgspec.Raw(msgspec.json.encode(found[1] if found is not None else None))
            kept["over"] = msgspec.Raw(b"true" if found is not None or at < answered else b"false")
        if at == 0:
            kept["first"] = msgspec.Raw(b"true")
        yield msgspec.Raw(msgspec.json.encode(kept))


def kind_of_message(fields: Fields) -> str:
    """Returns what a message says or asks."""
    return text_of(fields.get("say")) or text_of(fields.get("ask"))


def _called(fields: Fields) -> str:
    """Returns the command or arguments of a message that shows a call; empty if it shows none."""
    return text_of(fields.get("text")) if kind_of_message(fields) in ("command", "tool", "use_mcp_server") else ""


def _is_of(about: str, called: str) -> bool:
    """Whether a result belongs to a call. The result may give the full path where the call shows a relative one."""
    if about in called:
        return True
    path = text_of(fields_of(called).get("path"))
    return bool(path) and about.replace("\\", "/").endswith(f"/{path}")


def _tried_again(kinds: list[str]) -> frozenset[int]:
    """Returns which messages are followed by another request before the user says anything."""
    found = []
    follows = ""
    for at, kind in reversed([*enumerate(kinds)]):
        if follows in _TRIED_AGAIN:
            found.append(at)
        follows = kind if kind in (*_TRIED_AGAIN, "user_feedback") else follows
    return frozenset(found)


def _in_requests(shown: list[Fields]) -> list[list[_Result]]:
    """Returns, for each message, the result that the next request begins with: all there is of a copy of the messages
    without the other document."""
    found: list[list[_Result]] = []
    result: list[_Result] = []
    for fields in reversed(shown):
        if kind_of_message(fields) == "api_req_started":
            request, _ = _request(fields)
            head = _RESULT.match(request, 0, _LONGEST_HEAD)
            said = _REMINDER.split(request[head.end() :])[0].strip() if head is not None else ""
            result = [(head[2], said)] if head is not None and head[2] and said else []
        found.append(result)
    return found[::-1]


def _request(fields: Fields) -> tuple[str, str]:
    """Returns what the model was sent with a request, as its message shows it, and the details after it."""
    request = text_of(fields_of(text_of(fields.get("text"))).get("request"))
    before, mark, after = request.rpartition(_DETAILS)
    return (before, f"{mark}{after}") if mark else (request, "")


def _results(sent: list[Fields]) -> Iterator[_Result]:
    """Yields the results that the model was sent, oldest first, as far as it is known what they are about."""
    asked: dict[str, str] = {}
    for message in sent:
        for part in (fields_of(part) for part in items_of(message.get("content"))):
            if text_of(part.get("type")) == "tool_use":
                asked[text_of(part.get("id"))] = first_text(fields_of(part.get("input")), *_ABOUT)
        yield from _results_in(message, asked)


def _folder_in(sent: list[Fields], shown: list[Fields]) -> str | None:
    texts = [text_of(fields_of(part).get("text")) for part in items_of(sent[0].get("content") if sent else None)]
    if not sent:
        texts += [_request(fields)[1] for fields in shown if kind_of_message(fields) == "api_req_started"][:1]
    details = next((text for text in texts if text.startswith(_DETAILS)), "")
    return stated_folder(_FOLDER, details)


def typed_of(messages: Sequence[Sequence[str]]) -> list[str]:
    """Returns what the user typed in each message, as the contract's `typed`; of a task of Roo Code, too."""
    texts = [text for parts in messages for text in parts]
    if _BEGINS.match(next(iter(texts), "")) is not None and any(map(_is_from_client, texts)):
        return ["\n".join(_typed_in(parts)) for parts in messages]
    if not any(map(_DETAILS_LINE.match, texts)):
        return []
    return ["\n".join(text for text in parts if not _DETAILS_LINE.match(text)) for parts in messages]


def _is_from_client(text: str) -> bool:
    found = _DETAILS_LINE.search(text) or _EXPORTED.match(text)
    return found is not None or _RESULT.match(text, 0, _LONGEST_HEAD) is not None


def _typed_in(texts: Sequence[str]) -> Iterator[str]:
    open_head = False
    for text in texts:
        head = _RESULT.match(text, 0, _LONGEST_HEAD)
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


def _results_in(message: Fields, asked: Mapping[str, str]) -> Iterator[_Result]:
    """Yields the results in a message to the model. `asked`: what calls were about, by their ids.

    The text of a result may stand alone, after the one that names the tool and what it was about.
    """
    for part in _parts(message):
        if text_of(part.get("type")) == "tool_result" and (about := asked.get(text_of(part.get("tool_use_id")))):
            yield about, _output(part)
    about = ""
    for text in _texts(message):
        head = _RESULT.match(text, 0, _LONGEST_HEAD)
        said = text[head.end() :] if head is not None else text
        if head is not None:
            about = head[2] or ""
        if about and said:
            yield about, said
        if said:
            about = ""


def _parts(message: Fields) -> list[Fields]:
    return [fields_of(part) for part in items_of(message.get("content"))]


def _texts(message: Fields) -> list[str]:
    return [text_of(part.get("text")) for part in _parts(message)] or [text_of(message.get("content"))]


def _output(result: Fields) -> str:
    content = result.get("content")
    return text_of(content) or text_and_others(content)[0]
