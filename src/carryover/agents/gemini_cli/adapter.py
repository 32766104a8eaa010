"""Gemini CLI: a terminal agent whose transcripts are appended lines. FACTS.md has what they look like.

Hooks seen in 0.26.0, 0.44.0 and 0.61.0. AfterAgent's text is not used: the transcript already has it, with the model's
own spacing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import (
    Agent,
    HookAction,
    HookEvent,
    Parsed,
    QuotedText,
    Record,
    Reemitted,
    Source,
    ToolOutcome,
)
from carryover.agents.gemini_cli import SPEC, contents, store
from carryover.agents.gemini_cli.calls import (
    Beginning,
    GeminiContext,
    GeminiRecorder,
    GrowingMessage,
    asked_by_model,
    parse_calls,
    usable_id,
)
from carryover.model import AnyBody, AssistantMessage, Op, Retracted, Skipped, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, is_true, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import tagged
from carryover.text.pattern import later
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.hooks import common_hooks, root_above, session_start_answer
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.rewritten import SnapshotReader
from carryover.transcript.turns import add_summary

_ACTIONS: Final[dict[str, HookAction]] = {
    "sessionstart": "session_start",
    "beforeagent": "prompt",
    "afteragent": "turn_end",
    "sessionend": "flush",
}
_LAYOUT_ROOT: Final = partial(root_above, layouts=store.LAYOUTS, names=("tmp",))


_MEMBERS: Final = tuple(
    later(rb'"%s"\s*:\s*%s' % member)
    for member in ((b"sessionId", b'"'), (b"projectHash", b'"[0-9a-f]{64}"'), (b"startTime", b'"'))
)
_RECORD: Final = msgspec.json.Decoder(Fields)
_AT_ONCE_MS: Final = 1000
_WORKSPACE: Final = later(r"^[^\S\n]*-[^\S\n]+(/[^\n]+|[A-Za-z]:[\\/][^\n]+)$", re.MULTILINE)
_INIT: Final = later(
    r"You are [^\n]{1,200}generate a comprehensive \w{1,20}\.md file to be used as instructional context for future "
    r"interactions\.\n"
)
"""How the text begins that `/init` stands for (0.61; Qwen Code of 2025)."""
_API_ERROR: Final = "[API Error"
_CANCELLED: Final = "Request cancelled."
_THANKS: Final = "Got it. Thanks for the additional context!"
"""The model's reply to a summary, in the client's wording."""


def _parse(source: Source, context: GeminiContext, record: Record) -> tuple[GeminiContext, Parsed]:
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    recorder = GeminiRecorder(context=context, source=source, at_ms=context.last_ms)
    # The kind of a record follows from its members, in the order in which the client looks at them (0.61).
    reemitted = None
    if "$begin" in line:
        reemitted = _begin(recorder, line)
    elif (ident := usable_id(line.get("$rewindTo"))) is not None:
        _rewind(recorder, ident)
    elif (ident := usable_id(line.get("id"))) is not None:
        _message(recorder, ident, line)
    elif patch := fields_of(line.get("$set")):
        _patch(recorder, patch)
    elif usable_id(line.get("sessionId")) is not None:
        _header(recorder, line)
    else:
        recorder.skip("record", "unknown record")
    return recorder.parsed(reemitted)


def _begin(recorder: GeminiRecorder, line: Fields) -> Reemitted | None:
    """Handles the reader's header. A document is emitted again from its first change on."""
    begin = fields_of(line["$begin"])
    is_document, on = is_true(begin.get("document")), is_true(begin.get("on"))
    if is_document and not on:
        recorder.context = GeminiContext(document=True)
        recorder.take_ids()
    if root := text_of(begin.get("root")):
        recorder.settle([root])
    if usable_id(line.get("sessionId")) is not None:
        _header(recorder, line)
    last = recorder.context.last
    if not is_document or (on and last is None):
        return None
    after = last.decode() if on and last is not None else None
    more = is_true(begin.get("more"))
    return Reemitted(session=recorder.session, subagent_id=recorder.subagent_id, after=after, more=more)


def _header(recorder: GeminiRecorder, line: Fields) -> None:
    """Handles the first record. It may be repeated when a session is resumed; only the first one counts."""
    if recorder.context.session is None:
        session = usable_id(line.get("sessionId"))
        own_id = usable_id(line.get("subagentId")) or session
        subagent_id = own_id if text_of(line.get("kind")) == "subagent" else None
        recorder.change(session=session, subagent_id=subagent_id, folder=usable_id(line.get("projectHash")))
        recorder.take_ids()
    if not recorder.context.last_ms:
        recorder.at(line.get("startTime"))
    _learn(recorder, line)


def _patch(recorder: GeminiRecorder, patch: Fields) -> None:
    """Handles `$set`: facts about the session, or the list of messages that the model is sent."""
    _learn(recorder, patch)
    if "messages" in patch:
        _list(recorder, patch["messages"])


def _learn(recorder: GeminiRecorder, line: Fields) -> None:
    recorder.learn(title=text_of(line.get("summary")))
    recorder.settle(rawjson.part_of(line.get("directories", rawjson.ABSENT), list[str]) or ())


def _message(recorder: GeminiRecorder, ident: str, line: Fields) -> None:
    """Handles a message. It recurs under its id whenever it has grown."""
    kind = text_of(line.get("type"))
    recorder.at(line.get("timestamp"))
    if _repeats(recorder, line):
        recorder.keep(GrowingMessage(id=ident, said=True))
    elif (parse := _MESSAGES.get(kind)) is not None:
        recorder.keep(parse(recorder, recorder.message(ident), line))
    elif kind != "warning":  # of the client, to the user
        recorder.skip(f"message/{kind}", "unknown message type")


def _repeats(recorder: GeminiRecorder, line: Fields) -> bool:
    """Returns whether a message tells again what is known: if the user refuses a call, the client writes the whole
    conversation once more, under new ids and without the prompt, until the list of it (0.44, 0.61)."""
    stopped_ms, repeats = recorder.context.stopped_ms, recorder.context.repeats
    if not stopped_ms:
        return False
    is_near = recorder.at_ms - stopped_ms < _AT_ONCE_MS  # it may have been killed before the list
    repeats = is_near and (repeats or _text(line.get("content")).startswith(f"<{contents.CONTEXT}>"))
    recorder.change(stopped_ms=recorder.at_ms if repeats else 0, repeats=repeats)
    return repeats


def _user(recorder: GeminiRecorder, message: GrowingMessage, line: Fields) -> GrowingMessage:
    """Handles a `user` message: what a person typed, or what the client sent in that role."""
    parts = contents.parts_of(line.get("content"))
    if parts is None:
        recorder.skip("user", "unexpected content")
        return message
    parts = [part for part in parts if not contents.NOTES.match(text_of(part.get("text")))]
    text = contents.shown_text(parts)
    attachments = sum("inlineData" in part for part in parts)
    is_again = False
    if text.startswith(f"<{contents.CONTEXT}>"):
        _learn_folders(recorder, text)
        # The last end: the project's own instructions are in it, and may hold one too.
        _, is_whole, rest = text.rpartition(f"</{contents.CONTEXT}>")
        text = rest.strip() if is_whole else ""
        is_again = bool(text)
    # What was typed, if `content` is what the client made of it; what it sends of its own has it, too.
    if contents.typed_by_user(text) or not text:
        text = _text(line.get("displayContent")) or text
    if ran := contents.typed_command(text, f"{message.id}/shell", recorder.context.cwd):
        recorder.add_typed(*ran, f"{message.id}/")
        return msgspec.structs.replace(message, said=True)
    in_turn = contents.said_at_work(text) is not None and any("functionResponse" in part for part in parts)
    text, beside = contents.typed_in_editor(text)
    text, attachments = contents.typed_by_user(text), attachments + beside
    if message.said or not (text or attachments):
        return message
    actor: Literal["human", "model"] = "human" if recorder.subagent_id is None else "model"
    text, command = ("", "/init") if _INIT.match(text) else (text, None)
    _converse(recorder, digest(text), is_again=is_again)
    prompt = UserPrompt(text=text, actor=actor, attachments=attachments, command=command, in_turn=in_turn)
    recorder.add(prompt, f"{message.id}/prompt")
    recorder.change(waiting=message.id.encode())
    return msgspec.structs.replace(message, said=True)


def _converse(recorder: GeminiRecorder, mark: str, *, is_again: bool) -> None:
    """Notes by which prompt a conversation began.

    `/chat resume` writes a saved one again, whose first prompt has the client's context before it (0.61).
    """
    began = recorder.context.began
    now = Beginning(mark, recorder.at_ms)
    if began is not None and is_again and began.id == mark and began.words:
        now = msgspec.structs.replace(now, left=began.words, left_ms=began.at_ms)
    if began is None or is_again:
        recorder.change(began=now)


def _answer(recorder: GeminiRecorder, key: str, mark: str) -> None:
    """Notes by which words of the model a conversation began.

    If they, too, are those of the one before a resume, the user went back in this one: what was said so far is in what
    follows, or was left. Prompts alone may be the same in two conversations.
    """
    began = recorder.context.began
    if began is None or began.words:
        return
    if began.left == mark:
        at_ms, recorder.at_ms = recorder.at_ms, began.at_ms
        recorder.add(Retracted(since_ms=began.left_ms), key)
        recorder.at_ms = at_ms
    recorder.change(began=Beginning(began.id, began.at_ms, mark))


def _gemini(recorder: GeminiRecorder, message: GrowingMessage, line: Fields) -> GrowingMessage:
    """Handles a text of the model, its tool calls, or both.

    Calls in the message show that its turn continues, but it is first written without them (0.44 to 0.61); nothing
    records that a turn has ended.
    """
    model = text_of(line.get("model"))
    recorder.learn(model=model)
    numbers = contents.numbers_of_short(fields_of(line.get("tokens")))
    recorder.count_tokens(message.id, session=recorder.session, model=model, **numbers)
    raws = rawjson.part_of(line.get("toolCalls", rawjson.ABSENT), list[msgspec.Raw])
    if raws is None and "toolCalls" in line:
        recorder.skip("gemini/toolCalls", "unexpected shape")
    calls = list(filter(asked_by_model, map(fields_of, raws or [])))
    parts = contents.parts_of(line.get("content"))
    if parts is None:
        recorder.skip("gemini", "unexpected content")
    else:
        recorder.change(waiting=None)
    text = contents.shown_text(parts or [])
    if text.strip() and not message.said:
        _answer(recorder, f"{message.id}/left", digest(text.strip()))
        said = AssistantMessage(text=text, final=False if calls else None, grows=not calls)
        recorder.add(said, f"{message.id}/text")
        message = msgspec.structs.replace(message, said=True)
    return parse_calls(recorder, message, calls)


def _notice(recorder: GeminiRecorder, message: GrowingMessage, line: Fields) -> GrowingMessage:
    """Handles `info` and `error`: that the user stopped the turn, or an API error ended it.

    Others concern a command of the client.
    """
    text = _text(line.get("content")).strip()
    end = None
    if text_of(line.get("type")) == "info":
        if text == _CANCELLED:
            end = TurnEnd(reason="interrupted")
            recorder.change(stopped_ms=recorder.at_ms)
    elif (limited := names_limit(text)) or text.startswith(_API_ERROR):
        end = failed_turn(text, recorder.at_ms, limited=limited)
    if end is not None and not message.said:
        recorder.add(end, f"{message.id}/end")
        recorder.change(waiting=None)
    return msgspec.structs.replace(message, said=True)


_MESSAGES: Final[dict[str, Callable[[GeminiRecorder, GrowingMessage, Fields], GrowingMessage]]] = {
    "user": _user,
    "gemini": _gemini,
    "qwen": _gemini,  # of Qwen Code before it wrote lines of its own (2025)
    "info": _notice,
    "error": _notice,
}


def _list(recorder: GeminiRecorder, raw: msgspec.Raw) -> None:
    """Handles `$set.messages`: the list that the model is sent from now on. Only the client's additions to it are new.

    It comes at the start, after a compaction or a resume, and after a turn that failed or was stopped, whose prompt it
    leaves out (0.44 to 0.61). Such a prompt still counts.
    """
    messages = rawjson.part_of(raw, list[Fields])
    if messages is None:
        recorder.skip("$set/messages", "unexpected shape")
        return
    recorder.change(stopped_ms=0, repeats=False)
    known = {message.id for message in recorder.context.messages}
    texts = [_text(message.get("content")) for message in messages]
    for message, text, following in zip(messages, texts, [*texts[1:], ""], strict=False):
        ident = usable_id(message.get("id"))
        if text_of(message.get("type")) != "user" or ident is None:
            continue
        if text.startswith(f"<{contents.CONTEXT}>"):
            _learn_folders(recorder, text)
            continue
        ran = contents.typed_command(text, f"{ident}/shell", recorder.context.cwd)
        if ident in known or not (ran or following == _THANKS):
            continue
        recorder.at(message.get("timestamp"))
        if following == _THANKS:
            add_summary(recorder, f"{ident}/summary", text, contents.SUMMARY_KINDS)
        elif ran:
            recorder.add_typed(*ran, f"{ident}/")
        recorder.keep(GrowingMessage(id=ident, said=True))
    waiting = (recorder.context.waiting or b"").decode()
    if waiting and all(usable_id(message.get("id")) != waiting for message in messages):
        # In `-p` nothing else shows that the turn failed; in a terminal the client's notice follows.
        recorder.at_ms = recorder.context.last_ms
        recorder.add(TurnEnd(reason="error"), f"{waiting}/failed")
        recorder.change(waiting=None)


def _rewind(recorder: GeminiRecorder, ident: str) -> None:
    """Handles `$rewindTo`: the user retracted that message and all after it.

    File changes stay, since the client asks about them separately. If the client doesn't know the message, for example
    because it is too old, it forgets the whole conversation.
    """
    idents = [message.id for message in recorder.context.messages]
    at = idents.index(ident) if ident in idents else 0
    keys = [f"{gone}/{part}" for gone in idents[at:] for part in ("prompt", "text", "end")]
    if keys:
        recorder.add(Retracted(keys=tuple(keys)), f"{ident}/rewound/{idents[-1]}")
    recorder.change(messages=recorder.context.messages[:at], waiting=None)


def _learn_folders(recorder: GeminiRecorder, text: str) -> None:
    """Remembers the start folder that the client's message to the model names."""
    listed = (tagged(text, contents.CONTEXT) or "").partition("**Workspace Directories:**")[2]
    recorder.settle(found[1].strip() for found in _WORKSPACE.finditer(listed.partition("\n- **")[0]))


def _text(raw: msgspec.Raw | None) -> str:
    return contents.shown_text(contents.parts_of(raw) or [])


def _quoted_prompt(text: str, _after: str) -> tuple[AnyBody, ...]:
    words = contents.typed_by_user(text)
    return (UserPrompt(text=words),) if words else ()


def _quoted_outcome(op: Op, text: str) -> ToolOutcome:
    return contents.shell_outcome(text) if op == "shell" else ToolOutcome("ok", text)


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file, recognised by how it begins: a document (0.26) or lines (0.44, 0.61).

    Either has the session, the hash of its start folder and its time before any message; no other agent's does.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if path.suffix not in store.RANKS or not start.startswith(b"{"):
        return None
    first = start.partition(b"\n")[0] if path.suffix == store.LINES else start.partition(b'"messages"')[0]
    if not all(member.search(first) for member in _MEMBERS):
        return None
    return Source(agent=SPEC.id, path=str(path), rank=store.RANKS[path.suffix])


_HOOKS: Final = common_hooks(
    _LAYOUT_ROOT,
    actions=_ACTIONS,
    # Anything that is not JSON would be shown to the user as a message of the hook (0.61.0). The event's name does
    # not matter; what a prompt gets is put right after its last letter (0.26.0).
    answer=lambda text: session_start_answer(f"\n\n{text}"),
    reads_page="run `cat {quoted}`",  # `read_file` refuses what git ignores (0.61.0)
    forgets="exit",  # and with `-p` the first prompt, which is in the same message (0.61.0)
)


def _read_hook(event: str, payload: bytes) -> HookEvent | Skipped:
    read = _HOOKS.read(event, payload)
    if isinstance(read, HookEvent) and read.reason == "clear":
        return msgspec.structs.replace(read, action="unheard_start")  # 0.26.0, 0.61.0
    return read


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(
        store.format_of,
        {store.DOCUMENT: SnapshotReader(store.conversation_in), store.LINES: JsonlReader(before=store.header_of_lines)},
    ),
    context_type=GeminiContext,
    layouts=store.LAYOUTS,
    parse=_parse,
    hooks=replace(_HOOKS, read=_read_hook),
    exported=_exported,
    quoted=QuotedText(
        prompt=_quoted_prompt, outcome=_quoted_outcome, op=contents.TOOLS.known, about=contents.TOOLS.about
    ),
)
