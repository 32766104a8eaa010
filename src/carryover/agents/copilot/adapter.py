"""GitHub Copilot: the sessions of its terminal client, and the chats in VS Code. FACTS.md has what they look like."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter import contract, layouts
from carryover.adapter.layouts import Layout
from carryover.agents.copilot import CHATS, DOCUMENTS, EMPTY, SPEC, WINDOWS
from carryover.agents.copilot.calls import SHELL_ENDED, TOOLS, LogContext
from carryover.agents.copilot.chats import chat_reader
from carryover.agents.copilot.cli import LogReader, document_reader, parse_log
from carryover.agents.copilot.vscode import PROMPT_FILE, parse_chat
from carryover.model import Actor, AnyBody, Op, Skipped, UserPrompt
from carryover.records import rawjson
from carryover.records.lenient import Fields, first_text, text_of
from carryover.records.rawjson import objects_in
from carryover.text.pattern import later
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.files import read_head
from carryover.transcript.hooks import ACTIONS, own_hooks, root_above, session_start_output, skipped_hook
from carryover.transcript.stored import StoredContext

_CLICKED: Final = later(r'@agent (?:Try Again|[A-Z][\w ]{0,40}: "[^"\n]{1,200}")\Z')
"""What VS Code sends as the user when they click a button that continues an answer (SpecStory 2.1.0)."""
_NOTIFIED: Final = later(r"\[Terminal [0-9a-f-]{36} notification: ")
"""Begins what VS Code tells the model, as the user, of a command that ended or waits (public documents of 2026)."""
_STATE: Final = "session-state"
_UUID: Final = r"(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_ID: Final = later(_UUID)
_SESSION: Final = rf"(?P<session>{_UUID})"
_DOCUMENT_NAME: Final = rf"session_{_SESSION}_\d{{1,16}}\.json"
_NAME: Final = r"(?P<session>[\w-]{1,100})"
_IN_WINDOW: Final = rf"(?P<group>[^/]+)/{CHATS}/{_NAME}"

# A session in several places counts where most of it is. A chat that moves from an empty window into a folder is
# copied, and the copy continues.
_LAYOUTS: Final = (
    Layout(
        kind="log",
        root=_STATE,
        globs=("*/events.jsonl",),
        pattern=rf"{_SESSION}/events\.jsonl",
        beside=r"([^/]+)/workspace\.yaml",  # has the session's name
        stands_for=r"\1/events.jsonl",
    ),
    # Until December 2025; see FACTS.md.
    Layout(kind="log", root=_STATE, globs=("*.jsonl",), pattern=rf"{_SESSION}\.jsonl"),
    Layout(kind="document", root=DOCUMENTS, globs=("session_*.json",), pattern=_DOCUMENT_NAME, rank=-1),
    Layout(kind="chat", root=WINDOWS, globs=(f"*/{CHATS}/*.jsonl",), pattern=rf"{_IN_WINDOW}\.jsonl", rank=7),
    Layout(kind="chat", root=WINDOWS, globs=(f"*/{CHATS}/*.json",), pattern=rf"{_IN_WINDOW}\.json", rank=6),
    Layout(kind="chat", root=EMPTY, globs=("*.jsonl",), pattern=rf"{_NAME}\.jsonl", rank=5),
    Layout(kind="chat", root=EMPTY, globs=("*.json",), pattern=rf"{_NAME}\.json", rank=4),
)
_HEAD_BYTES: Final = 64 << 10
_DOCUMENT: Final = later(
    rb'(?:\xef\xbb\xbf)?\s*\{\s*"sessionId"\s*:\s*"([\w-]{1,100})"\s*,\s*"startTime"\s*:\s*"[^"]{1,40}"\s*,'
    rb'\s*"chatMessages"\s*:'
)
"""The beginning of a session in one document (0.0.340)."""
_CHAT: Final = later(
    rb'(?:\xef\xbb\xbf)?\s*\{\s*(?:"kind"\s*:\s*0\s*,\s*"v"\s*:\s*\{\s*)?'
    rb'"(?:version|requesterUsername|responderUsername|initialLocation|requests|sessionId|creationDate)"\s*:'
)
"""The beginning of a chat: one JSON object, or a log whose first line holds the whole state."""


kind_by_end: Final = partial(layouts.kind_of, _LAYOUTS)


def _exported(path: Path, head: bytes) -> contract.Source | None:
    """Returns the source in a file anywhere on disk, recognised by how it begins.

    It may be an exported or copied chat, or a log of the terminal client (1.0.48, 1.0.102).
    """
    if (document := _DOCUMENT.match(head)) is not None:
        return contract.Source(agent=SPEC.id, path=str(path), session=document[1].decode(), rank=-1)
    first = next(objects_in(head, most=1), {})
    start = first.get("data")
    if first.get("type") != "session.start" or not isinstance(start, dict) or start.get("producer") != "copilot-agent":
        return contract.Source(agent=SPEC.id, path=str(path), rank=-1) if _is_chat(head) else None
    session = start.get("sessionId")
    is_own = isinstance(session, str) and _ID.fullmatch(session) and "vscodeVersion" not in start
    return contract.Source(agent=SPEC.id, path=str(path), session=session) if is_own else None


def _kind_to_read(path: Path) -> str:
    """Returns the kind to read `path` as: by location, or by content for an export or a copy elsewhere."""
    if kind := kind_by_end(path):
        return kind
    head = read_head(path, _HEAD_BYTES)
    return "document" if _DOCUMENT.match(head) else "chat" if _is_chat(head) else "log"


def _is_chat(head: bytes) -> bool:
    return _CHAT.match(head) is not None and b'"responderUsername"' in head and b'"requests"' in head


_layout_root: Final = partial(root_above, layouts=_LAYOUTS)
_ACTIONS: Final[dict[str, contract.HookAction]] = {**ACTIONS, "userpromptsubmitted": "prompt", "agentstop": "turn_end"}
_REASONS: Final[dict[str, contract.StartReason]] = {
    "new": "startup",
    "startup": "startup",
    "clear": "clear",
    "resume": "resume",
}
_EDITOR_NAMES: Final = {"userpromptsubmit": "userpromptsubmitted", "stop": "agentstop"}
"""VS Code's names of events that have another name in the terminal, in lower case."""


def _read(event: str, given: Fields, session: str) -> contract.HookEvent | Skipped:
    """Reads a payload, as seen in 1.0.48 and 1.0.102.

    The terminal client writes `sessionId`, in a sub-agent's own hooks the sub-agent's id, and doesn't name the event.
    The chat in VS Code, which runs the same hooks file, also writes `hookEventName` (reported), and its transcript
    under another name. A payload with `session_id` belongs to another program, or to a hook registered under another
    program's event name. No transcript is named when a session starts or ends, and at a prompt.
    """
    transcript = first_text(given, "transcriptPath", "transcript_path") or None
    if transcript is not None and _layout_root(Path(transcript)) is None:
        if not text_of(given.get("hookEventName")):
            return skipped_hook(event, "another agent's payload")
        transcript = None
    action = _ACTIONS.get(event, "hint") if not text_of(given.get("agentId")) else "hint"
    reason = _REASONS.get(text_of(given.get("source"))) if action == "session_start" else None
    if action == "session_start" and reason is None:
        return skipped_hook(event, "unknown start reason")
    cwd = rawjson.string_of(given.get("cwd"))
    return contract.HookEvent(action=action, session=session, cwd=cwd, transcript=transcript, reason=reason)


def _own_session(given: Fields, event: str) -> str | None:
    name = (text_of(given.get("hookEventName")) or event).lower()
    is_own = "sessionId" in given and _EDITOR_NAMES.get(name, name) == event
    return text_of(given.get("sessionId")) if is_own else None


def _answer(text: str) -> bytes:
    # One object in both forms: the terminal client takes the first (1.0.102), the chat in VS Code the second.
    output = session_start_output(text)
    return msgspec.json.encode({"additionalContext": output["additionalContext"], "hookSpecificOutput": output})


class _Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records, with a part for each kind of source."""

    log: LogContext = LogContext()
    chat: StoredContext = StoredContext()

    @property
    def compacted_ms(self) -> int:
        """See `LogContext`."""
        return self.log.compacted_ms

    @property
    def prompted(self) -> bool:
        """See `LogContext`."""
        return self.log.prompted


def _parse(source: contract.Source, context: _Context, record: contract.Record) -> tuple[_Context, contract.Parsed]:
    if record.data.startswith(b'{"kind":'):  # as the reader of chats makes them
        chat, parsed = parse_chat(source, context.chat, record)
        return msgspec.structs.replace(context, chat=chat), parsed
    log, parsed = parse_log(source, context.log, record)
    return msgspec.structs.replace(context, log=log), parsed


HOOKS: Final = contract.HookProtocol(
    read=own_hooks(_own_session, _read),
    answer=_answer,
    layout_root=_layout_root,
    forgets="compaction",
    reads_page="read `{page}` in parts of 60 lines",  # neither `view` nor the shell shows 31 KB at once (1.0.102)
)


def _quoted_prompt(text: str, _after: str) -> tuple[AnyBody, ...]:
    actor: Actor = "model" if _NOTIFIED.match(text) else "human"
    if (called := PROMPT_FILE.match(text)) is not None:
        return (UserPrompt(text=text[called.end() :].strip(), command=called[1]),)
    return () if _CLICKED.match(text) else (UserPrompt(text=text, actor=actor),)


def _quoted_outcome(op: Op, text: str) -> contract.ToolOutcome:
    if op != "shell":
        return contract.ToolOutcome("ok", text)
    ended = SHELL_ENDED.search(text)
    if ended is None:
        return contract.ToolOutcome("unknown", text)
    code = int(ended["code"])
    return contract.ToolOutcome("error" if code else "ok", text[: ended.start()], code)


AGENT: Final = contract.Agent(
    spec=SPEC,
    reader=ReaderByKind(
        _kind_to_read,
        {"log": LogReader(), "document": document_reader(), "chat": chat_reader()},
    ),
    context_type=_Context,
    layouts=_LAYOUTS,
    parse=_parse,
    hooks=HOOKS,
    exported=_exported,
    quoted=contract.QuotedText(prompt=_quoted_prompt, outcome=_quoted_outcome, op=TOOLS.known, about=TOOLS.about),
)
