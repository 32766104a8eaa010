"""Hermes Agent: a terminal agent with a database for each of its profiles. FACTS.md has what its messages look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Source, ToolOutcome
from carryover.agents.hermes.database import RECORD, DatabaseReader, Entry, SessionRecord, is_own
from carryover.agents.hermes.spec import SPEC
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    PlanUpdate,
    Question,
    TurnEnd,
    UserPrompt,
)
from carryover.records import rawjson
from carryover.records.asked import plan_items
from carryover.records.changes import Change, as_edit, hunks_in, patched, planned, written
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, items_of, number_of, text_of
from carryover.records.patches import files_in_patch, in_patch, place_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import names_own_folder, without_ansi, without_handoff
from carryover.text.pattern import later
from carryover.transcript.files import SQLITE
from carryover.transcript.recorder import OpenCall, Tools, usable_name
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.stored import Context, StoredBuilder, parse_stored

_NAME: Final = "state.db"
_BELOW: Final = later(
    r"(?P<folder>(?:profiles/[^/]{1,100}/)?)(?:state\.db(?:-wal|-journal)?|sessions/request_dump_[^/]+\.json)"
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
    }
)
"""The built-in tools (0.19.0)."""
_ABOUT: Final = ("command", "path", "pattern", "question", "goal", "query", "url", "name", "prompt", "action")
_STOPPED: Final = 130
_STOPPED_TEXT: Final = "[Command interrupted]"
_DENIED: Final = ("blocked", "pending_approval")
"""States of a command that the user, or the client for lack of one, did not allow (code)."""


INTERRUPTED: Final = "Operation interrupted"
"""The beginning of the client's own text in place of an answer."""
GOES_ON: Final = ("verification_required", "verify_hook_continue")
"""Why an answer did not end its turn, though nothing was called: the client asked for more."""
LIMIT_STATUSES: Final = (402, 429)
SUMMARY_KINDS: Final = kinds_of(
    request="historical task snapshot|active task|goal",
    current="completed actions|active state|historical in-progress state|in progress",
    pending="blocked|historical pending user asks|pending user asks",
    next="historical remaining work|remaining work",
    other="constraints & preferences|key decisions|resolved questions|relevant files|last dropped turns"
    "|critical context",
)
"""The sections that a compaction asks for (code)."""

_JSON: Final = "\0json:"
_SUMMARY: Final = later(
    r"^(?:\[CONTEXT COMPACTION.*?avoid repeating it:|\[CONTEXT COMPACTION[^\n]*\n|\[CONTEXT SUMMARY\]:)", re.S | re.M
)
_SUMMARY_END: Final = later(r"\n*--- END OF CONTEXT SUMMARY.*\Z", re.S)
_BY_CLIENT: Final = later(r"\[(?:System(?: note)?:|SYSTEM:|IMPORTANT: |ASYNC DELEGATION|Your active task list )")
_SKILL: Final = later(r'\[IMPORTANT: The user has invoked the "([^"\n]{1,100})" ')
_SKILL_WORDS: Final = later(r"The user has provided the following instruction[^\n]{0,100}?: (.*)\Z", re.S)
_ATTACHED: Final = later(r"^--- (?:Attached Context|Context Warnings) ---\n.*\Z", re.S | re.M)


def _called(given: Fields, cwd: str | None) -> OpenCall | None:
    """Returns the call in an entry of `tool_calls`; None if it has no usable id or name."""
    function = fields_of(given.get("function"))
    call_id = usable_name(text_of(given.get("id")))
    name = usable_name(text_of(function.get("name")))
    if call_id is None or name is None:
        return None
    args = fields_of(text_of(function.get("arguments")).encode())
    if name == "terminal":
        place = place_of(text_of(args.get("workdir")), cwd)
        return OpenCall.of_command(call_id, name, text_of(args.get("command")), place or cwd)
    patch = text_of(args.get("patch"))
    about = next(iter(files_in_patch(patch)), "") or first_text(args, *_ABOUT)
    return OpenCall(
        id=call_id,
        name=name,
        op=TOOLS.op(name),
        subject=bounded(about or name, SUBJECT_CHARS),
        changes=_changes(name, args, patch, cwd),
        handoff=names_own_folder(f"{about} {patch}"),
    )


def _asked(given: Fields, call: OpenCall) -> Question:
    """Returns the question that a call puts to the user."""
    args = fields_of(text_of(fields_of(given.get("function")).get("arguments")).encode())
    choices = tuple(filter(None, map(text_of, items_of(args.get("choices")))))
    return Question(call_id=call.id, text=text_of(args.get("question")), options=choices)


def _outcome(call: OpenCall, output: str) -> ToolOutcome:
    """Determines how a call ended from its result, which for most tools is an object."""
    result = fields_of(output.encode())
    error = text_of(result.get("error"))
    if call.op == "shell" and "exit_code" in result:
        code = number_of(result.get("exit_code"))
        text = without_ansi(text_of(result.get("output")))
        if text_of(result.get("status")) in _DENIED:
            return ToolOutcome("denied", error, never_ran=True)
        if code == _STOPPED and _STOPPED_TEXT in text:
            return ToolOutcome("interrupted", text.replace(_STOPPED_TEXT, "").rstrip())
        if code is not None and code < 0:
            return ToolOutcome("error", "\n".join(filter(None, (text, error))))
        return ToolOutcome("error" if code else "ok", text, exit_code=code)
    has_failed = error or bytes(result.get("success", rawjson.ABSENT)) == b"false"
    shown = error or first_text(result, "content", "output", "diff") or output
    return ToolOutcome("error" if has_failed else "ok", without_ansi(shown))


def _effects(call: OpenCall, output: str) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key."""
    result = fields_of(output.encode())
    hunks = hunks_in(text_of(result.get("diff")))
    for number, change in enumerate(call.changes):
        shown = patched(change, hunks) if hunks and len(call.changes) == 1 and change.change == "modify" else change
        yield f"edit{number}", as_edit(shown, call.id)
    if call.op == "plan":
        yield "todos", PlanUpdate(items=plan_items(result.get("todos"), "content"))
    answer = text_of(result.get("user_response"))
    if call.op == "ask" and answer:
        yield "answer", Answer(call_id=call.id, question=text_of(result.get("question")), text=answer)


def _changes(name: str, args: Fields, patch: str, cwd: str | None) -> tuple[Change, ...]:
    if name == "patch" and patch:
        return in_patch(patch, cwd)
    path = place_of(text_of(args.get("path")), cwd)
    if path is None:
        return ()
    if name == "write_file":
        return (written(path, text_of(args.get("content"))),)
    return (planned(path, args),) if name == "patch" else ()


def _piece(recorder: StoredBuilder, record: SessionRecord) -> None:
    native, entry = recorder.native, record.entry
    recorder.at_ms = recorder.reported.last_ms
    if entry is not None:
        recorder.at_ms = max(0, entry.at_us // 1000) or recorder.at_ms
        recorder.report(last_ms=max(recorder.reported.last_ms, recorder.at_ms))
    recorder.add_facts({"title": native.title, "model": native.model, "parent": native.forked_from})
    if entry is not None and recorder.at_ms:
        _entry(recorder, entry)
    elif entry is not None:
        recorder.skip("message", "no time")


def _entry(recorder: StoredBuilder, entry: Entry) -> None:
    match entry.role:
        case "user" | "assistant" if _SUMMARY.search(_ATTACHED.sub("", entry.content)):
            _summary(recorder, entry)
        case "user":
            _prompt(recorder, entry)
        case "assistant":
            _answer(recorder, entry)
        case "tool":
            _result(recorder, entry)
        case "error":
            _error(recorder, entry)
        case "system" | "session_meta":
            pass
        case _:
            recorder.skip(f"message/{entry.role}", "unknown role")


def _summary(recorder: StoredBuilder, entry: Entry) -> None:
    _, *after = _SUMMARY.split(entry.content, maxsplit=1)
    text = without_handoff(_SUMMARY_END.sub("", "".join(after))).strip()
    if text:
        parts = parts_by_heading(text, SUMMARY_KINDS)
        recorder.add(AgentSummary(text=text, source="compaction", parts=parts), f"{_key(recorder, entry)}:summary")


def _prompt(recorder: StoredBuilder, entry: Entry) -> None:
    """Adds what a person typed, without what the client put after it or in its place."""
    text, images = _text_of(entry)
    skill = _SKILL.match(text)
    if skill is not None:
        # The client names the skill's folder after the skill, which may hold the same line.
        words = _SKILL_WORDS.search(text.rpartition("\n[Skill directory: ")[2])
        text = words[1] if words is not None else ""
    elif _BY_CLIENT.match(text):
        return
    typed = _ATTACHED.sub("", without_handoff(text)).strip()
    command = f"/{skill[1]}" if skill is not None else None
    if typed or command or images:
        prompt = UserPrompt(text=typed, actor=recorder.actor, command=command, attachments=images)
        recorder.add(prompt, f"{_key(recorder, entry)}:prompt")


def _answer(recorder: StoredBuilder, entry: Entry) -> None:
    text, _ = _text_of(entry)
    calls = [fields_of(call) for call in items_of(entry.calls)]
    broke_off = not calls and not entry.finish
    if broke_off and text.startswith(INTERRUPTED):
        recorder.add(TurnEnd(reason="interrupted"), f"{_key(recorder, entry)}:end")
        return
    if text.strip():
        is_final = not calls and not broke_off and entry.finish not in GOES_ON
        answer = AssistantMessage(text=text, final=is_final, aborted=broke_off)
        recorder.add(answer, f"{_key(recorder, entry)}:text")
    for number, given in enumerate(calls):
        call = _called(given, recorder.cwd)
        if call is None:
            recorder.skip("message/tool_call", "no usable id or name")
            continue
        recorder.begin_call(call, f"{_key(recorder, entry)}:call{number}")
        if call.op == "ask":
            recorder.add(_asked(given, call), f"{_key(recorder, entry)}:question{number}")


def _result(recorder: StoredBuilder, entry: Entry) -> None:
    if not recorder.identify("message/tool", entry.call_id):
        return
    call = recorder.take_call(entry.call_id, entry.tool[:SHORT_CHARS], TOOLS.op(entry.tool))
    output, _ = _text_of(entry)
    outcome = _outcome(call, output)
    recorder.add(call.ended(outcome), f"{_key(recorder, entry)}:result")
    for part, body in _effects(call, output) if outcome.status == "ok" else ():
        recorder.add(body, f"{_key(recorder, entry)}:{part}")


def _error(recorder: StoredBuilder, entry: Entry) -> None:
    """Adds what the provider said when a request failed for good."""
    error = fields_of(entry.content.encode())
    said = first_text(fields_of(error.get("body")), "message") or text_of(error.get("message"))
    is_limit = number_of(error.get("status_code")) in LIMIT_STATUSES or names_limit(said)
    if said:
        recorder.add(failed_turn(said, recorder.at_ms, limited=is_limit), f"{_key(recorder, entry)}:end")


def _text_of(entry: Entry) -> tuple[str, int]:
    """Returns a message's text, and how many images it has."""
    if not entry.content.startswith(_JSON):
        return entry.content, 0
    content = msgspec.Raw(entry.content.removeprefix(_JSON).encode())
    kinds = [text_of(fields_of(part).get("type")) for part in items_of(content)]
    return rawjson.text_of(content) or "", sum("image" in kind for kind in kinds)


def _key(recorder: StoredBuilder, entry: Entry) -> str:
    return f"{recorder.native.id}/{entry.at_us}"


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` below `root`, recognised by name alone; None if it is something else."""
    found = _BELOW.fullmatch(str(path.relative_to(root))) if path.is_relative_to(root) else None
    return _source(root / found["folder"] / _NAME) if found is not None else None


def sources(root: Path) -> list[Source]:
    """Returns the databases of all profiles, sorted by path."""
    found = [path for path in (root / _NAME, *root.glob(f"profiles/*/{_NAME}")) if path.is_file()]
    return [_source(path) for path in sorted(found, key=str)]


def _source(path: Path) -> Source:
    return Source(agent=SPEC.id, path=str(path))


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a copy of a database anywhere on disk, recognised by its tables."""
    if path.suffix != ".db" or not head.startswith(SQLITE):
        return None
    return _source(path) if is_own(path) else None


AGENT: Final = Agent(
    spec=SPEC,
    reader=StatCachedReader(DatabaseReader()),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=partial(parse_stored, RECORD, _piece),
    exported=_exported,
)
