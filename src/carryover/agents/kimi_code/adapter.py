"""Kimi Code: a terminal agent that keeps a log for each agent of a session. FACTS.md has what its records look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.kimi_code import SPEC
from carryover.model import Answer, PlanUpdate, Retracted, TurnEnd
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import (
    Fields,
    fields_of,
    first_text,
    is_true,
    items_of,
    number_of,
    text_and_others,
    text_of,
    time_of,
    token_counts,
)
from carryover.records.patches import by_arguments
from carryover.records.text import tagged, without_ansi
from carryover.text.pattern import later
from carryover.transcript.files import read_beside
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import OneSession, OpenCall, SessionContext, Tools, usable_folder, usable_name
from carryover.transcript.refusals import Endings
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary, dispatch, said_in

_AGENT: Final = r"(?:main|(?P<subagent_id>agent-[A-Za-z0-9-]{1,100}))"
_FILE: Final = rf"(?P<group>[^/]+)/(?P<session>session_[A-Za-z0-9-]{{1,100}})/agents/{_AGENT}/wire\.jsonl"
_LAYOUTS: Final = (Layout(globs=("*/session_*/agents/*/wire.jsonl",), pattern=_FILE),)
"""The group is made of the start folder's name and a hash."""


TOOLS: Final = Tools(
    {
        "shell": "Bash",
        "read": "Read",
        "edit": "Edit",
        "write": "Write",
        "search": "Glob Grep",
        "web": "FetchURL",
        "plan": "TodoList",
        "ask": "AskUserQuestion",
        "agent": "Agent AgentSwarm",
    },
    about=("path", "pattern", "url", "description", "prompt", "query", "name"),
    changes=by_arguments,
)
"""The built-in tools (2.1)."""
_ENDINGS: Final = Endings(
    exited=later(r"\n?Command failed with exit code: (-?\d{1,10})\.\s*\Z"),
    interrupted=later(r"\A\s*Interrupted by user\s*\Z"),
    never_ran=later(r'Tool "[^"]*" not found|Invalid args for tool '),
)
_GIT: Final = later(r"\A<git-context>.*?</git-context>\s*", re.DOTALL)
"""What the client puts before a sub-agent's task."""
_QUIET: Final = frozenset(
    "agent compaction config context cron event file_history full_compaction goal hook interaction llm mcp "
    "permission plan plan_mode plugin plugin_command profile prompt runtime session shell skill subagent "
    "swarm_mode task token_counting tools tower tower_mode turn usage".split()
)
"""Kinds of records, the first words of their types, of which what is not handled holds nothing for a handoff."""
_ALONE: Final = ("forked", "metadata")
"""Those whose type is one word."""
_COMMANDS: Final = {"skill_activation": ("skillName", "skillArgs"), "plugin_command": ("commandName", "commandArgs")}
"""Origins of prompts that the user typed as a command, with their fields for its name and its arguments."""
_STATE: Final = "$facts"
"""Type of the record that the reader adds: the session's facts, which stand in another file."""
_MAX_STATE_BYTES: Final = 1 << 20
_MOST_TURNS: Final = 50
_RECORD: Final = msgspec.json.Decoder(Fields)
_BEGINS: Final = later(rb'\A\{"type": ?"metadata", ?"protocol_version": ?"')
_AGENT_OF: Final = later(rb'"agentId":"(?:(agent-[A-Za-z0-9-]{1,100})|main)"')
_NUMBERED: Final = later(r"[^\s:]+:\d+")
"""A call's id as Moonshot's models give it, such as `Bash:0`: many sessions have the same."""
_SESSION: Final = later(r"session_[A-Za-z0-9-]{1,100}")


class _Context(SessionContext, frozen=True, omit_defaults=True):
    forked_ms: int = 0
    """When the session was forked from another: what is older is a copy. 0 if it was not."""
    typed: OpenCall | None = None
    """A command of the user's whose output has not come yet."""
    rejected: tuple[tuple[str, str], ...] = ()
    """Ids of the calls that the user rejected in this turn, and what they typed."""
    turns: tuple[tuple[bytes, ...], ...] = ()
    """Keys of each prompt and what was said until the next one, as bytes, since text might be taken for a secret."""


def _facts_beside(path: Path) -> bytes:
    """Returns the record with the facts about the session."""
    # It is not there yet, or not beside a copy.
    state = fields_of(read_beside(path.parent.parent.parent / "state.json", limit=_MAX_STATE_BYTES))
    return msgspec.json.encode({"type": _STATE, "facts": state})


_Recorder = OneSession[_Context]


def _parse(source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    at_ms = time_of(line.get("time")) or context.last_ms
    is_copy = at_ms < context.forked_ms
    session = source.own_session
    recorder = _Recorder(
        context=context,
        session=context.facts.parent or session if is_copy else session,
        subagent_id=source.subagent_id,
        prefix=f"{source.subagent_id}/" if source.subagent_id else "",
        kind="record",
        copied=is_copy,
        at_ms=at_ms,
    )
    kind = text_of(line.get("type"))
    first, dot, _ = kind.partition(".")
    if kind in _HANDLERS or not (first in _QUIET if dot else kind in _ALONE):
        dispatch(recorder, _HANDLERS, kind, line, what="record type")
    if recorder.events:
        _note(recorder)
    if recorder.events and not is_copy and source.subagent_id is None:
        recorder.put_news_first(session, recorder.context.cwd)
    return recorder.context, recorder.built()


def _note(recorder: _Recorder) -> None:
    """Notes the time of what was added, and in its turn what the user may take back."""
    context = recorder.context
    recorder.change(last_ms=max(recorder.at_ms, context.last_ms))
    if said_in(recorder) and context.turns:
        *others, newest = context.turns
        recorder.change(turns=(*others, (*newest, *said_in(recorder))[-_MOST_TURNS:]))


def _facts(recorder: _Recorder, line: Fields) -> None:
    facts = fields_of(line.get("facts"))
    recorder.at_ms = recorder.context.last_ms
    recorder.change(cwd=usable_folder(first_text(facts, "cwd", "workDir")) or recorder.context.cwd)
    if parent := usable_name(text_of(facts.get("forkedFrom"))):
        recorder.change(forked_ms=time_of(facts.get("createdAt")))
        recorder.learn(parent=parent)
    recorder.learn(title=bounded(text_of(facts.get("title")), SHORT_CHARS))


def _model(recorder: _Recorder, line: Fields) -> None:
    recorder.learn(model=text_of(line.get("model")))


def _prompt(recorder: _Recorder, line: Fields) -> None:
    """Handles a prompt. One of another origin than the user is a sub-agent's task, or the client's."""
    origin = fields_of(line.get("origin"))
    kind = text_of(origin.get("kind"))
    is_main = recorder.subagent_id is None
    is_typed = text_of(origin.get("trigger")) == "user-slash"
    name, given = _COMMANDS.get(kind, ("", "")) if is_typed else ("", "")
    if kind != "user" and is_main and not name:
        return
    in_turn = text_of(line.get("type")) == "turn.steer"
    if not is_true(origin.get("inTurn")):
        recorder.remember("turns", ())
    # The texts of skills that a prompt names come before it; the text for a command holds what the command stands for.
    text, files = text_and_others(line.get("input"), len(items_of(origin.get("skillActivations"))))
    if name:
        text = text_of(origin.get(given))
    elif not is_main:
        text = _GIT.sub("", text)
    key = f"{first_text(line, 'promptId', 'messageId') or recorder.at_ms}/prompt"
    command = f"/{text_of(origin.get(name))}" if name else None
    add_prompt(recorder, key, text, actor=recorder.actor, command=command, attachments=files, in_turn=in_turn)


def _event(recorder: _Recorder, line: Fields) -> None:
    event = fields_of(line.get("event"))
    kind = text_of(event.get("type"))
    dispatch(recorder, _EVENTS, kind, event, what="event", within="loop/" if kind else "loop")


def _tokens(recorder: _Recorder, event: Fields) -> None:
    """Handles the end of a request. `inputOther` is what is neither read from the cache nor written to it."""
    ident = usable_name(text_of(event.get("uuid")))
    numbers = token_counts(
        fields_of(event.get("usage")),
        input="inputOther",
        output="output",
        cache_read="inputCacheRead",
        cache_write="inputCacheCreation",
    )
    if ident is not None:
        recorder.count_tokens(ident, session=recorder.session, model=recorder.context.facts.model, **numbers)


def _text(recorder: _Recorder, event: Fields) -> None:
    part = fields_of(event.get("part"))
    if text_of(part.get("type")) == "text":
        add_answer(recorder, f"{text_of(event.get('uuid'))}/text", text_of(part.get("text")))


def _ident(event: Fields, record: str) -> str:
    """Returns the id of a call, by which its events are known in all sessions. `record`: the field that names the
    record of the call."""
    ident = text_of(event.get("toolCallId"))
    return f"{ident}/{text_of(event.get(record))}" if _NUMBERED.fullmatch(ident) else ident


def _call(recorder: _Recorder, event: Fields) -> None:
    ident, name = _ident(event, "uuid"), text_of(event.get("name"))
    if recorder.identify("loop/tool.call", ident, name):
        given = fields_of(event.get("args"))
        call = TOOLS.call(ident, name, given, recorder.context.cwd)
        asked = asked_in(given.get("questions")) if call.op == "ask" else ()
        recorder.begin_call(call, f"{ident}/call", asked, question=f"{ident}/question")


def _result(recorder: _Recorder, event: Fields) -> None:
    ident = _ident(event, "parentUuid")
    if recorder.identify("loop/tool.result", ident):
        call = recorder.take_call(ident)
        result = fields_of(event.get("result"))
        output = without_ansi(rawjson.content_text(result.get("output")) or "")
        outcome = _ENDINGS.outcome(call.op, output, failed=is_true(result.get("isError")))
        if (words := dict(recorder.context.rejected).get(text_of(event.get("toolCallId")))) is not None:
            outcome = ToolOutcome("denied", output, never_ran=True, user_words=words)
        _end(recorder, call, outcome)


def _decision(recorder: _Recorder, line: Fields) -> None:
    """Handles what the user decided about a call or a plan, with what they typed: the result of the call has it, too,
    in the client's words, and that of a plan that shall change is a success."""
    ident, result = text_of(line.get("toolCallId")), fields_of(line.get("result"))
    words = text_of(result.get("feedback")).strip()
    decision = text_of(result.get("decision"))
    if decision == "cancelled":  # at times by the client, with its reason
        return
    if decision == "rejected":
        recorder.remember("rejected", (ident, words))
    if recorder.subagent_id is None:
        place = f"{recorder.session}/{recorder.at_ms}/{ident}" if _NUMBERED.fullmatch(ident) else ident
        add_prompt(recorder, f"{place}/said", words)


def _end(recorder: _Recorder, call: OpenCall, outcome: ToolOutcome) -> None:
    """Ends a call, with the user's answers to what it asked."""
    recorder.end_call(call, outcome, result=f"{call.id}/result", edit=f"{call.id}/edit")
    given = fields_of(fields_of(outcome.output).get("answers")) if call.op == "ask" else {}
    for number, (question, answer) in enumerate(given.items()):
        if text := text_of(answer):
            recorder.add(Answer(call_id=call.id, question=question, text=text), f"{call.id}/answer{number}")


def _typed(recorder: _Recorder, line: Fields) -> None:
    """Handles a command that the user typed after `!`; all other messages have records of their own."""
    message = fields_of(line.get("message"))
    origin = fields_of(message.get("origin"))
    if text_of(origin.get("kind")) != "shell_command":
        return
    text = rawjson.content_text(message.get("content")) or ""
    # What the command printed may hold the tag too.
    command = tagged(text, "bash-input") if text.startswith("<bash-input>") else None
    call = recorder.context.typed
    if command is not None:
        ident = f"typed/{recorder.at_ms}"
        call = OpenCall.of_command(ident, "Bash", command.strip(), recorder.context.cwd).by_user()
        recorder.change(typed=call)
        recorder.add(call.as_event(), f"{call.id}/call")
    elif call is not None:
        output = (tagged(text, "bash-stdout") or "") + (tagged(text, "bash-stderr") or "")
        status = ToolOutcome("error" if is_true(origin.get("isError")) else "ok", without_ansi(output))
        recorder.change(typed=None)
        recorder.add(call.ended(status), f"{call.id}/result")


def _compaction(recorder: _Recorder, line: Fields) -> None:
    add_summary(recorder, f"compaction/{recorder.at_ms}", text_of(line.get("summary")))


def _undo(recorder: _Recorder, line: Fields) -> None:
    """Handles that the user took back the last turns."""
    count = number_of(line.get("turns")) or 0
    turns = recorder.context.turns
    kept = turns[: max(0, len(turns) - count)] if count > 0 else turns
    keys = tuple(key.decode("utf-8", "replace") for turn in turns[len(kept) :] for key in turn)
    recorder.change(turns=kept)
    if keys:
        recorder.add(Retracted(keys=keys), f"undo/{recorder.at_ms}")


def _todos(recorder: _Recorder, line: Fields) -> None:
    if text_of(line.get("key")) == "todo":
        recorder.add(PlanUpdate(items=plan_items(line.get("value"), "title")), f"todo/{recorder.at_ms}")


def _turn_end(recorder: _Recorder, line: Fields) -> None:
    key = f"end/{recorder.at_ms}"
    recorder.change(rejected=())
    error = fields_of(line.get("error"))
    if text_of(line.get("reason")) == "cancelled":
        recorder.add(TurnEnd(reason="interrupted"), key)
    elif text_of(line.get("reason")) == "failed":
        status = number_of(fields_of(error.get("details")).get("statusCode"))
        add_failure(recorder, key, text_of(error.get("message")), status=status)


def _exported(path: Path, head: bytes) -> Source | None:
    if path.suffix != ".jsonl" or not _BEGINS.match(head):
        return None
    agent = _AGENT_OF.search(head)  # the first record that names one is the log's own
    parts = (one for one in reversed(path.parts) if _SESSION.fullmatch(one))
    return Source(
        agent=SPEC.id,
        path=str(path),
        session=next(parts, None),
        subagent_id=agent[1].decode() if agent is not None and agent[1] else None,
    )


_Handler = Callable[[_Recorder, Fields], None]
_EVENTS: Final[dict[str, _Handler | None]] = {
    "step.begin": None,
    "content.part": _text,
    "step.end": _tokens,
    "tool.call": _call,
    "tool.result": _result,
}
_HANDLERS: Final[dict[str, _Handler | None]] = {
    _STATE: _facts,
    "context.append_loop_event": _event,
    "context.append_message": _typed,
    "context.apply_compaction": _compaction,
    "context.undone": _undo,
    "llm.request": _model,
    "permission.record_approval_result": _decision,
    "tools.update_store": _todos,
    "turn.ended": _turn_end,
    "turn.prompt": _prompt,
    "turn.steer": _prompt,
}

AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(before=_facts_beside),
    context_type=_Context,
    layouts=_LAYOUTS,
    parse=_parse,
    exported=_exported,
)
