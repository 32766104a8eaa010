"""Hermes Agent: a terminal agent with a database for each of its profiles. FACTS.md has what its messages look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from json import JSONDecoder
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Source, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.hermes import SPEC, database
from carryover.model import Answer, PlanUpdate, Question, TurnEnd, UserPrompt
from carryover.records.asked import plan_items
from carryover.records.changes import as_shown
from carryover.records.fields import SHORT_CHARS
from carryover.records.lenient import Fields, fields_of, first_text, items_of, number_of, text_and_others, text_of
from carryover.records.patches import by_arguments
from carryover.records.summary import kinds_of
from carryover.records.text import without_ansi, without_handoff
from carryover.text.pattern import later
from carryover.transcript import sqlite
from carryover.transcript.files import SQLITE
from carryover.transcript.recorder import OpenCall, Tools
from carryover.transcript.stored import StoredBuilder, StoredContext, parse_entries
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary, dispatch

_PROFILE: Final = r"(?:profiles/[^/]{1,100}/)?"
_LAYOUTS: Final = (
    Layout(
        globs=("state.db", "profiles/*/state.db"),
        pattern=rf"{_PROFILE}state\.db",
        beside=rf"({_PROFILE})sessions/request_dump_[^/]+\.json",
        stands_for=r"\1state.db",
    ),
)
"""A profile has a folder of its own. A failed request beside a database counts as a change of it."""


TOOLS: Final = Tools(
    {
        "shell": "terminal",
        "read": "read_file vision_analyze skill_view skills_list read_terminal",
        "edit": "patch",
        "write": "write_file",
        "search": "search_files session_search",
        "web": "web_search web_extract browser_navigate x_search",
        "plan": "todo",
        "ask": "clarify",
        "agent": "delegate_task",
    },
    about=("command", "path", "pattern", "question", "goal", "query", "url", "name", "prompt", "action"),
    named=("patch",),
    folder="workdir",
    changes=by_arguments,
)
"""The built-in tools (0.19.0)."""
_STOPPED: Final = 130
_STOPPED_TEXT: Final = "[Command interrupted]"
_NO_TOOL: Final = later(r"Tool '[^'\n]{1,100}' does not exist\.")
"""The result of a call of a tool that does not exist (schema 6)."""
_DENIED: Final = ("blocked", "pending_approval")
"""States of a command that the user, or the client for lack of one, did not allow (code)."""
_NOT_REFUSED: Final = ("BLOCKED: Command timed out", "BLOCKED (hardline)", "BLOCKED: Failed to send")
"""Why the client did not run a command that nobody refused."""
_SILENT: Final = ("[user did not respond within ", "The user did not provide a response within the time limit.")
"""Stands for the answer of a user who gave none."""
GOES_ON: Final = ("verification_required", "verify_hook_continue")
"""Why an answer did not end its turn, though nothing was called: the client asked for more."""
_SUMMARY_KINDS: Final = kinds_of(
    request="historical task snapshot|active task|goal",
    current="completed actions|active state|historical in-progress state|in progress",
    pending="blocked|historical pending user asks|pending user asks",
    next="historical remaining work|remaining work",
    other="constraints & preferences|key decisions|resolved questions|relevant files|last dropped turns"
    "|critical context",
)
"""The sections that a compaction asks for (code)."""

_SUMMARY: Final = later(
    r"^(?:\[CONTEXT COMPACTION.*?avoid repeating it:|\[CONTEXT COMPACTION[^\n]*\n|\[CONTEXT SUMMARY\]:)", re.S | re.M
)
_SUMMARY_END: Final = later(r"(?<!\n)\n*--- END OF CONTEXT SUMMARY.*\Z", re.S)
_SUMMARY_ABOVE: Final = later(r"\[CONTEXT COMPACTION\b.*?(?:\n--- END OF CONTEXT SUMMARY[^\n]*\n|\Z)", re.S)
"""In a list of messages, the summary that a prompt begins with, or that is all of it."""
_ASKED_ASIDE: Final = r"Review the conversation above and consider saving (?:or updating a skill|to memory)\b"
"""The last prompt of a document, for what the client saves for itself: the user sees nothing of what answers it."""
_OWN: Final = (
    r"\[CONTEXT COMPACTION\b"
    r"|\[(?:SYSTEM|IMPORTANT): You are running as a scheduled cron job\.|\[System: This session is about to be "
    r"|\[System note: Your previous turn |\[Note: model was just switched from |\[ASYNC DELEGATION"
    r"|\[Continuing toward (?:your standing goal|this kanban task)"
    r"|\[The work looks complete, but the task is still open\]"
    r"|You've reached the maximum number of tool-calling iterations allowed\."
    r"|You just executed tool calls but returned an empty response\."
    r"|Continue from the compressed conversation context above\. This marker exists because "
    rf"|{_ASKED_ASIDE}"
)
"""What no one else writes, and so shows a list of messages to be from this client."""
_BY_CLIENT: Final = later(
    rf"\[(?:System(?: note)?:|SYSTEM:|IMPORTANT: |Your active task list )|Stop requested\Z|{_OWN}"
)
_SHOWS_CLIENT: Final = later(
    rf"{_OWN}|\[The user (?:sent an? (?:image|voice message)~|attached an image\.) Here's what "
)
_NOTE: Final = later(
    r"\[(?:System note: |Note: model was just switched from "
    r"|(The user (?:sent|attached) an? (?:image but|(?:text )?document|audio|video|voice)\b))[^\]]*\]\s*"
)
"""What the client puts before a message after a turn that the gateway interrupted, after another model was chosen, or
for a file of a chat (2026); each ends with its first closing bracket."""
_SPOKEN: Final = later(
    r"""^\[The user sent a voice message~ Here's what they said: "((?:[^\[]|\[(?!The user sent )){0,20000}?)"\]$""",
    re.M,
)
"""What a voice message says, alone or above what was typed, up to the beginning of another one."""
_REVIEW: Final = later(_ASKED_ASIDE)
_INCLUDED: Final = later(r"\[Content of [^\n]{1,300}\]:\n")
"""Above a text document in a message. Nothing shows where the document ends and the message begins."""
_SCHEDULED: Final = later(r"\[(?:SYSTEM|IMPORTANT): You are running as a scheduled cron job\.[^\n]*\]\n\s*")
_EMPTY: Final = "(empty)"
"""What is written for an answer without a text, after which the client asks for one (schema 6)."""
_OBJECT: Final = later(r"(?:<untrusted_tool_result [^\n]*>\n[^\n]*\n\n)?(?=\{)")
"""Where a result's object begins. After it, the client may add notes to the model: that a call fails again and again,
a hint, the instructions of a folder."""
_STEERED: Final = later(
    r"\n\n(?:User guidance: |\[OUT-OF-BAND USER MESSAGE[^\n]*\]\n)(.*?)(?:\n\[/OUT-OF-BAND USER MESSAGE\])?\Z", re.S
)
_ONLY_OBJECTS: Final = ("edit", "plan", "read", "search", "shell", "write")
"""Tools that return one object and nothing behind it. What follows there is what the user said while the agent worked;
in the result of another tool it may be the tool's own text."""
_SKILL: Final = later(r'\[(?:IMPORTANT|SYSTEM): The user has invoked the "([^"\n]{1,100})" ')
_SKILL_WORDS: Final = later(r"The user has provided the following instruction[^\n]{0,100}?: (.*)\Z", re.S)
_ATTACHED: Final = later(r"^--- (?:Attached Context|Context Warnings) ---\n.*\Z", re.S | re.M)

_QUOTED: Final = later(r'\A\[Replying to[^"\n]{0,100}: "(?s:.{0,500})"\]\n\n')
_SEEN: Final = later(
    r"\A\[The user (?:sent an image~ Here's what I can see|attached an image\. Here's what it contains):\n(?s:.*)"
    r"^\[If you need a closer look, use vision_analyze with image_url: [^\n]*\]\s*",
    re.M,
)
"""What a chat's message answers, at most 500 characters, and what a model saw in its images: up to the last end."""


def _entry(recorder: StoredBuilder, entry: database.MessageRow) -> None:
    recorder.prefix = f"{recorder.native.id}/{entry.at_us}:"
    if entry.role in ("user", "assistant") and _SUMMARY.search(_ATTACHED.sub("", entry.content)):
        _, *after = _SUMMARY.split(entry.content, maxsplit=1)
        add_summary(recorder, "summary", _SUMMARY_END.sub("", "".join(after)), _SUMMARY_KINDS)
    else:
        dispatch(recorder, _ROLES, entry.role, entry, what="role", within="message/")


def _prompt_in(text: str, images: int = 0) -> UserPrompt | None:
    """Returns what a person typed, without what the client put around it or in its place; None if the client sent all
    of it."""
    if (summary := _SUMMARY_ABOVE.match(text)) is not None:
        text = text[summary.end() :].lstrip()
    text = _SPOKEN.sub(r"\1", text)
    begins = 0
    while (note := _NOTE.match(text, begins)) is not None:
        begins, images = note.end(), images + bool(note[1])
    text = text[begins:]
    if images and _INCLUDED.match(text):
        text = ""
    skill = _SKILL.match(text)
    if skill is not None:
        # The client names the skill's folder after the skill, which may hold the same line.
        words = _SKILL_WORDS.search(text.rpartition("\n[Skill directory: ")[2])
        text = words[1] if words is not None else ""
    elif (before := _SCHEDULED.match(text)) is not None:
        return UserPrompt(text=text[before.end() :].strip(), actor="model", scheduled=True)
    elif _BY_CLIENT.match(text):
        return None
    text, seen = _SEEN.subn("", _QUOTED.sub("", text))
    typed = _ATTACHED.sub("", without_handoff(text)).strip()
    return UserPrompt(text=typed, command=f"/{skill[1]}" if skill is not None else None, attachments=images + seen)


def _prompt(recorder: StoredBuilder, entry: database.MessageRow) -> None:
    prompt = _prompt_in(*_text_of(entry))
    if prompt is not None and prompt.scheduled:
        recorder.add(prompt, "prompt")
    elif prompt is not None and (prompt.text or prompt.command or prompt.attachments):
        recorder.add(msgspec.structs.replace(prompt, actor=recorder.actor), "prompt")


def _typed(messages: Sequence[Sequence[str]]) -> list[str | None]:
    sent = ["\n".join(parts) for parts in messages]
    if not any(map(_SHOWS_CLIENT.match, sent)):
        return []
    return [None if _REVIEW.match(text) else _typed_in(text) for text in sent]


def _typed_in(text: str) -> str:
    prompt = _prompt_in(text)
    return " ".join(filter(None, (prompt.command, prompt.text))) if prompt is not None else ""


def _answer(recorder: StoredBuilder, entry: database.MessageRow) -> None:
    text, _ = _text_of(entry)
    calls = [fields_of(call) for call in items_of(entry.calls)]
    broke_off = not calls and not entry.finish
    if broke_off and text.startswith(database.INTERRUPTED):
        recorder.add(TurnEnd(reason="interrupted"), "end")
        return
    is_final = not calls and not broke_off and entry.finish not in GOES_ON
    add_answer(recorder, "text", "" if text == _EMPTY else text, final=is_final, aborted=broke_off)
    for number, given in enumerate(calls):
        _call(recorder, number, given)


def _call(recorder: StoredBuilder, number: int, asked: Fields) -> None:
    function = fields_of(asked.get("function"))
    ident, name = text_of(asked.get("id")), text_of(function.get("name"))
    if not recorder.identify("message/tool_call", ident, name):
        return
    given = fields_of(text_of(function.get("arguments")))
    call = TOOLS.call(ident, name, given, recorder.cwd)
    recorder.begin_call(call, f"call{number}")
    if call.op == "ask":
        choices = tuple(filter(None, map(text_of, items_of(given.get("choices")))))
        question = Question(call_id=ident, text=text_of(given.get("question")), options=choices)
        recorder.add(question, f"question{number}")


def _outcome(call: OpenCall, output: str, result: Fields) -> ToolOutcome:
    """Determines how a call ended from its result, which for most tools is an object."""
    error = text_of(result.get("error"))
    if call.op == "shell" and "exit_code" in result:
        code = number_of(result.get("exit_code"))
        text = without_ansi(text_of(result.get("output")))
        if text_of(result.get("status")) in _DENIED:
            return ToolOutcome("error" if error.startswith(_NOT_REFUSED) else "denied", error, never_ran=True)
        if code == _STOPPED and _STOPPED_TEXT in text:
            return ToolOutcome("interrupted", text.replace(_STOPPED_TEXT, "").rstrip())
        if code is not None and code < 0:
            return ToolOutcome("error", "\n".join(filter(None, (text, error))))
        return ToolOutcome("error" if code else "ok", text, exit_code=code)
    if not result and _NO_TOOL.match(output):
        return ToolOutcome("error", output, never_ran=True)
    has_failed = error or bytes(result.get("success", b"")) == b"false"
    shown = error or first_text(result, "content", "output", "diff") or output
    return ToolOutcome("error" if has_failed else "ok", without_ansi(shown))


def _object_in(output: str) -> tuple[int, Fields]:
    """Returns the object in a result, and where it ends; the end of the result if it has none."""
    begins = _OBJECT.match(output)
    with suppress(ValueError, RecursionError):
        if begins is not None:
            _, end = JSONDecoder().raw_decode(output, begins.end())
            return end, fields_of(output[begins.end() : end])
    return len(output), {}


def _result(recorder: StoredBuilder, entry: database.MessageRow) -> None:
    if not recorder.identify("message/tool", entry.call_id):
        return
    call = recorder.take_call(entry.call_id, entry.tool[:SHORT_CHARS], TOOLS.op(entry.tool))
    output, _ = _text_of(entry)
    end, result = _object_in(output)
    outcome = _outcome(call, output, result)
    recorder.end_call(call, outcome, changes=as_shown(call.changes, text_of(result.get("diff"))))
    if call.op in _ONLY_OBJECTS and (said := _STEERED.match(output, end)):
        add_prompt(recorder, "steer", said[1], actor=recorder.actor, in_turn=True)
    if outcome.status != "ok":
        return
    if call.op == "plan":
        recorder.add(PlanUpdate(items=plan_items(result.get("todos"), "content")), "todos")
    answer = text_of(result.get("user_response"))
    if call.op == "ask" and answer and not answer.startswith(_SILENT):
        recorder.add(Answer(call_id=call.id, question=text_of(result.get("question")), text=answer), "answer")


def _error(recorder: StoredBuilder, entry: database.MessageRow) -> None:
    """Adds what the provider said when a request failed for good."""
    error = fields_of(entry.content)
    said = first_text(fields_of(error.get("body")), "message") or text_of(error.get("message"))
    if said:
        add_failure(recorder, "end", said, status=number_of(error.get("status_code")))


def _text_of(entry: database.MessageRow) -> tuple[str, int]:
    """Returns a message's text, and how many images it has."""
    if not entry.content.startswith(database.PARTS):
        return entry.content, 0
    return text_and_others(msgspec.Raw(entry.content.removeprefix(database.PARTS).encode()))


_ROLES: Final[dict[str, Callable[[StoredBuilder, database.MessageRow], None] | None]] = {
    "user": _prompt,
    "assistant": _answer,
    "tool": _result,
    "error": _error,
    "system": None,
    "session_meta": None,
}


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a copy of a database anywhere on disk. Databases of other programs have tables of the same
    names."""

    def is_own(db: sqlite.Connection) -> bool:
        return sqlite.has_column(db, "messages", "compacted")

    with suppress(OSError):
        if path.suffix == ".db" and head.startswith(SQLITE) and sqlite.read_database(path, is_own):
            return Source(agent=SPEC.id, path=str(path))
    return None


AGENT: Final = Agent(
    spec=SPEC,
    reader=database.database_reader(),
    context_type=StoredContext,
    layouts=_LAYOUTS,
    parse=partial(parse_entries, database.RECORD, _entry),
    exported=_exported,
    typed=_typed,
)
