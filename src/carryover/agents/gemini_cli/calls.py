"""What is remembered between two records of a transcript, and its tool calls: what each did, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Reemitted, Source, ToolOutcome
from carryover.agents.gemini_cli.contents import FILE_KEYS, FOLDER_KEYS, NEVER_RAN, TOOLS, edit_changes, shell_outcome
from carryover.agents.gemini_cli.store import path_hash
from carryover.model import Answer, AssistantMessage, PlanProposal, PlanUpdate, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import Asked, asked_in, plan_items
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, resolved, utc_ms
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, text_of
from carryover.text.pattern import later
from carryover.transcript import recorder as base
from carryover.transcript.recorder import OpenCall, SessionContext, usable_folder, usable_name

MAX_MESSAGES: Final = 100
"""How many of the newest messages can be retracted."""
MAX_GROWING: Final = 5
"""Only the newest message grows or, after a notice from the client, the one before it."""
_MOST_FOLDERS: Final = 40


class GrowingMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that may still grow, with the parts of it that were emitted."""

    id: str
    said: bool = False
    """Whether its text was emitted."""
    calls: dict[str, bool] = {}
    """The calls that were emitted, by id, and whether the result of each was too; empty for a message that is too old
    to grow."""


class Beginning(msgspec.Struct, frozen=True):
    """A hash of a conversation's first prompt, its time, and a hash of the first words of the model after it."""

    id: str
    at_ms: int
    words: str = ""
    left: str = ""
    """The words with which another conversation began by the same prompt, if this one was resumed."""
    left_ms: int = 0
    """When that one began."""


class GeminiContext(SessionContext, frozen=True, omit_defaults=True):
    """The state of one transcript between two records."""

    document: bool = False
    """Whether the source is a document. Its events have separate keys, since lines that replace it repeat its
    messages."""
    session: str | None = None
    subagent_id: str | None = None
    folder: str | None = None
    """SHA-256 of the start folder's path, from the header."""
    messages: tuple[GrowingMessage, ...] = ()
    """The newest last."""
    waiting: bytes | None = None
    """The id of the prompt that has no answer yet; bytes, since text might be taken for a secret."""
    last: bytes | None = None
    """The key of the last event."""
    stopped_ms: int = 0
    """When the user stopped a turn, if nothing came after that but what repeats."""
    repeats: bool = False
    """Whether the messages that come tell again what is known."""
    began: Beginning | None = None
    """How the present conversation began."""


class GeminiRecorder(base.OneSession[GeminiContext], kw_only=True):
    """Records one record of a transcript. Keys begin with the id of a message."""

    source: Source
    session: str = ""
    kind: str = "message"

    def __post_init__(self) -> None:
        self.take_ids()

    def take_ids(self) -> None:
        """Takes the session and the sub-agent from the source, or from what its header said."""
        context, source = self.context, self.source
        self.session = source.session or context.session or source.own_session
        self.subagent_id = source.subagent_id or context.subagent_id
        self.prefix = "document/" if context.document else ""

    def at(self, timestamp: msgspec.Raw | None) -> None:
        """Sets the time of the events that follow; without a time, the previous record's is kept."""
        self.at_ms = utc_ms(text_of(timestamp)) or self.context.last_ms
        self.change(last_ms=self.at_ms)

    def learn(self, **facts: str | None) -> None:
        """Notes facts about the session, unless this is a sub-agent's transcript; None leaves a fact as it is."""
        if self.subagent_id is None:
            known = {name: bounded(value, SHORT_CHARS) for name, value in facts.items() if value and value.strip()}
            super().learn(**known)

    def message(self, ident: str) -> GrowingMessage:
        """Returns the message with that id as far as it was parsed."""
        return next((known for known in self.context.messages if known.id == ident), GrowingMessage(id=ident))

    def keep(self, message: GrowingMessage) -> None:
        """Remembers a message. Only the newest few are kept, since no other can still grow."""
        known = {other.id: other for other in self.context.messages} | {message.id: message}
        newest = [*known.values()][-MAX_MESSAGES:]
        grown = (msgspec.structs.replace(old, calls={}) if old.calls else old for old in newest[:-MAX_GROWING])
        self.change(messages=(*grown, *newest[-MAX_GROWING:]))

    def settle(self, folders: Iterable[str]) -> None:
        """Remembers the start folder: the candidate that matches the header's hash, or else the first.

        The first folder that a record names is the most likely one.
        """
        usable = [place for folder in folders if (place := usable_folder(folder)) is not None][:_MOST_FOLDERS]
        if self.context.cwd is None and usable:
            self.change(cwd=next(filter(self._is_start, usable), usable[0]))

    def settle_above(self, path: str) -> None:
        """Remembers the start folder if the header's hash matches a folder above `path`."""
        if self.context.cwd is None and self.context.folder is not None and usable_folder(path):
            above = [path, *map(str, PurePath(path).parents)][:_MOST_FOLDERS]
            self.change(cwd=next(filter(self._is_start, above), None))

    def parsed(self, reemitted: Reemitted | None = None) -> tuple[GeminiContext, Parsed]:
        """Returns the next context and the result of the record, session facts first."""
        if self.subagent_id is None:
            self.at_ms = self.events[0].at_ms if self.events else self.context.last_ms
            self.put_news_first(self.session, self.context.cwd)
        if self.events:
            self.change(last=self.events[-1].key.encode())
        return self.context, self.built(reemitted)

    def _is_start(self, folder: str) -> bool:
        return path_hash(folder.rstrip("/") or "/") == self.context.folder


def usable_id(raw: msgspec.Raw | None) -> str | None:
    """Returns an id that is fit to be stored; None for an absent, empty or absurdly long one, or a non-text value."""
    return usable_name(text_of(raw))


MAX_CALLS: Final = 200
"""Most calls kept of the messages that may still grow, together."""

_BY_CLIENT: Final = "activate_skill-"
_DENIED: Final = later(r"(?:\[Operation Cancelled\] Reason: )?User denied execution\.?")
_APPROVED: Final = "Plan approved"
_REJECTED: Final = ("Plan rejected.", "User cancelled")
_FEEDBACK: Final = later(
    r"Plan rejected\. User feedback: (.*)\n\nThe plan is stored at: [^\n]*\n+Revise the plan[^\n]*", re.DOTALL
)
_FOUND: Final = "\n\n--- Newly Discovered Project Context ---\n"
_FOUND_END: Final = "\n--- End Project Context ---"
_PART: Final = later(
    r"IMPORTANT: The file content has been truncated\.\nStatus: [^\n]{1,100}\nAction: [^\n]{1,400}\n+"
    r"--- FILE CONTENT \(truncated\) ---\n"
)
"""Above a part of a file that was read, with how to read the rest (public sessions of 2025 and 2026)."""
_DISMISSED: Final = "User dismissed"


def asked_by_model(call: Fields) -> bool:
    """Whether the model asked for a call. If the user calls a skill, the client adds a call to the last answer, and the
    prompt that follows names the skill (0.61). Until May 2026 calls of the model may have such an id, too; these are
    left out as well."""
    return not text_of(call.get("id")).startswith(_BY_CLIENT)


def parse_calls(recorder: GeminiRecorder, message: GrowingMessage, calls: Sequence[Fields]) -> GrowingMessage:
    """Handles the calls of a `gemini` message: adds new calls, and results that were missing so far. If all of them
    were cancelled, so was the turn: the client's notice of that stands before them, or is missing."""
    asked_ms = recorder.at_ms
    known = dict(message.calls)
    for given in calls:
        call_id = usable_id(given.get("id"))
        name = usable_id(given.get("name"))
        if call_id is None or name is None:
            recorder.skip("gemini/toolCalls", "no usable id or name")
        elif call_id not in known or not known[call_id]:
            recorder.at_ms = asked_ms
            ended = _parse_call(recorder, f"{message.id}/{call_id}", call_id, name, given, is_new=call_id not in known)
            known.pop(call_id, None)
            known[call_id] = ended
    if known != message.calls and all(text_of(call.get("status")) == "cancelled" for call in calls):
        recorder.add(TurnEnd(reason="interrupted"), f"{message.id}/end")
    return msgspec.structs.replace(message, calls=dict([*known.items()][-MAX_CALLS:]))


def _parse_call(recorder: GeminiRecorder, key: str, call_id: str, name: str, given: Fields, *, is_new: bool) -> bool:
    """Adds what is new of a call: itself, its result and, if it succeeded, edits and answers. Returns whether it has
    ended."""
    args = fields_of(given.get("args"))
    shown = fields_of(given.get("resultDisplay"))
    recorder.settle_above(first_text(args, *FILE_KEYS, *FOLDER_KEYS))
    recorder.settle_above(text_of(shown.get("filePath")))
    call = TOOLS.call(call_id, name, args, recorder.context.cwd)
    file = first_text(args, *FILE_KEYS) if call.op == "read" else ""
    if file and (path := resolved(file, recorder.context.cwd)) is not None:
        call = msgspec.structs.replace(call, subject=bounded(path, SUBJECT_CHARS))
    asked = asked_in(args.get("questions")) if call.op == "ask" else []
    if is_new:
        recorder.add_call(call, f"{key}/call", asked, question=f"{key}/question")
    status = text_of(given.get("status"))
    if status not in ("success", "error", "cancelled"):
        return False
    recorder.at(given.get("timestamp"))
    outcome = _outcome(call, status, given)
    changes = edit_changes(call, shown, is_new=is_true(shown.get("isNewFile")))
    recorder.end_call(call, outcome, result=f"{key}/result", edit=f"{key}/edit", changes=changes)
    if outcome.status == "ok":
        if asked:
            _add_answers(recorder, key, call_id, asked, outcome.output)
        _parse_success(recorder, key, call, args)
    elif name == "exit_plan_mode" and outcome.status == "denied":
        _add_refused_plan(recorder, key, call_id, outcome.user_words)
    return True


def _add_answers(recorder: GeminiRecorder, key: str, call_id: str, asked: Sequence[Asked], output: str) -> None:
    given = fields_of(output.encode("utf-8", "replace"))
    answers = fields_of(given.get("answers"))
    for number, question in enumerate(asked):
        text = text_of(answers.get(str(number))).strip()
        if text:
            recorder.add(Answer(call_id=call_id, question=question.question, text=text), f"{key}/answer{number}")


def _add_refused_plan(recorder: GeminiRecorder, key: str, call_id: str, user_words: str) -> None:
    recorder.add(PlanProposal(call_id=call_id, text="", accepted=False), f"{key}/plan")
    if user_words and recorder.subagent_id is None:
        recorder.add(UserPrompt(text=user_words), f"{key}/feedback")


def _parse_success(recorder: GeminiRecorder, key: str, call: OpenCall, args: Fields) -> None:
    if call.name == "write_todos":
        todos = plan_items(args.get("todos"), "description")
        recorder.add(PlanUpdate(items=todos), f"{key}/todos")
    elif call.name == "update_topic":
        recorder.learn(title=first_text(args, "title"))
    elif call.name == "exit_plan_mode":
        recorder.add(PlanProposal(call_id=call.id, text="", accepted=True), f"{key}/plan")
    elif call.name == "complete_task" and recorder.subagent_id is not None:
        # A sub-agent's answer: a text, or an object with texts.
        texts = map(text_of, fields_of(args.get("result")).values())
        text = "\n".join(filter(None, texts)) or text_of(args.get("result"))
        if text.strip():
            recorder.add(AssistantMessage(text=text, final=True), f"{key}/answer")


def _outcome(call: OpenCall, status: str, given: Fields) -> ToolOutcome:
    output, error = _response(given)
    if status == "cancelled":
        denied = _DENIED.fullmatch(error) is not None
        return ToolOutcome("denied" if denied else "interrupted", error or output, never_ran=denied)
    if status == "error":
        return ToolOutcome("error", error or output, never_ran=NEVER_RAN.match(error or output) is not None)
    if call.op == "shell":
        return shell_outcome(output)
    if call.name == "exit_plan_mode" and output and not output.startswith(_APPROVED):
        found, refused = _FEEDBACK.fullmatch(output), output.startswith(_REJECTED)  # else the plan's file is no good
        return ToolOutcome("denied" if refused else "error", output, user_words=found[1].strip() if found else "")
    if call.op == "ask" and output.startswith(_DISMISSED):
        return ToolOutcome("denied", output)
    said = fields_of(output.encode("utf-8", "replace")) if call.op == "other" else {}
    if text_of(said.get("status")) == "error":  # of an MCP tool, in a result that is marked as success
        return ToolOutcome("error", first_text(said, "error", "message") or output)
    return ToolOutcome("ok", output)


def _response(given: Fields) -> tuple[str, str]:
    """Returns a result's output and error: what the model was sent or, if that is missing, what the user saw."""
    for raw in rawjson.part_of(given.get("result", rawjson.ABSENT), list[msgspec.Raw]) or []:
        if response := fields_of(inside(raw, "functionResponse", "response")):
            return _without_instructions(text_of(response.get("output"))), text_of(response.get("error"))
    return text_of(given.get("resultDisplay")), ""


def _without_instructions(output: str) -> str:
    """Returns what the tool itself gave: the client appends the instruction files that it finds on the way (0.61.0)."""
    output = output.rpartition(_FOUND)[0] if _FOUND in output and output.endswith(_FOUND_END) else output
    return output[part.end() :] if (part := _PART.match(output)) else output
