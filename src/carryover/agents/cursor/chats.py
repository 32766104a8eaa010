"""Conversations as messages: a chat of the terminal client, and a transcript, which client and editor write beside it.

A chat is a `store.db` with `meta.json` beside it. Each message is a blob keyed by the SHA-256 of its content. A root
lists them in order and is rewritten with each message. What a newer root no longer lists stays counted, since the
client may have put a summary in its place. A transcript has neither results nor times.

A user's message is what the client hands to the model (2026 builds, FACTS.md): blocks of attached context, then
`<timestamp>` with the local time in words, then `<user_query>`.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.agents.cursor import calls
from carryover.agents.cursor.calls import CursorContext, CursorConversation, CursorRecorder, StoreRecord
from carryover.model import Actor, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import plan_of
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import (
    Fields,
    fields_of,
    inside,
    is_true,
    items_of,
    number_of,
    read_as,
    text_below,
    text_of,
    time_of,
)
from carryover.records.text import tagged
from carryover.text.pattern import later
from carryover.transcript import files, sqlite
from carryover.transcript.bounds import TooLarge
from carryover.transcript.files import stamp_of_file
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.rewritten import Document
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.turns import add_answer, add_failure

COPY_GROUP: Final = "empty-window"
"""Replaces a project's slug. A conversation with a folder may have a copy of its transcript there."""
NOTED: Final = "carryoverNotedMs"
"""The only field of the record before the lines of a transcript: the file's modification time, UTC milliseconds."""
_UNTITLED: Final = "New Agent"
"""The name of a chat without a title."""
_ID_CHARS: Final = 16
"""Characters of an id that are kept: a quarter of a SHA-256 is unique in a chat."""
_MAX_DEPTH: Final = 4
# A root and, in newer builds, its nodes are protocol buffers: a field's number and kind, its length, its bytes. What
# has the length of an id counts as one if there is such a blob.
_MESSAGES: Final = later(rb"(?=\x0a\x20(.{32}))", re.DOTALL)
_NODES: Final = later(rb"(?=\x20(.{32}))", re.DOTALL)
_CONTEXT: Final = later(
    r"\s*<(additional_data|agent_skills|agent_transcripts|always_applied_workspace_rules|attached_files|"
    r"available_skills|cursor_commands|current_file|environment_details|external_links|git_status|image_files|"
    r"linter_errors|manually_attached_skills|mcp_file_system|open_and_recently_viewed_files|project_layout|rules|"
    r"selected_code|system_notification|system_reminder|system-reminder|terminal_files_information|timestamp|"
    r"user_info|user_rules|workspace_rules)\b[^>]{0,200}>"
)
"""The beginning of a block that the client put before the user's words. Names beyond user_info are unverified."""

_TIME: Final = later(
    r"([A-Z][a-z]{2})[a-z]* (\d{1,2}), (\d{4}),? (\d{1,2}:\d\d)\s?([AP]M) \(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\)"
)
_WORKSPACE: Final = later(r"^Workspace Path: (.{1,4096})$", re.MULTILINE)
_INJECTED: Final = (
    "The above subagent result is already visible",
    "The beginning of the above subagent result is already visible",
    "Briefly inform the user about the task result",
    "Perform any necessary follow-up actions in response to the subagent completion above.",
)
"""The beginning of a query by which the client makes the model continue."""
_BUTTON: Final = later(
    r"(?<!\s)\s*(?:Execute the selected diff-tab [a-z-]{1,60} action\.|Implement the plan as specified, it is "
    r"attached for your reference\. Do NOT edit the plan file itself\.(?:\s+To-do's from the plan [^\n]{1,400})?)\s*\Z"
)
"""What a button sends that commits, or builds a plan; words that were typed may stand before the latter."""
_IMAGES: Final = later(r"(?:\[Image\]\n){1,100}")
"""The beginning of a message with images."""
_MAX_BLOCKS: Final = 500

_TAKEN_OUT: Final = "[REDACTED]"
"""Placeholder for thinking that a transcript leaves out."""
_BLOCKS: Final = {"user": ("text",), "assistant": ("text", "tool_use", "tool-call"), "tool": ("text", "tool-result")}
"""Types of blocks that are read, by role."""
_QUIET_BLOCKS: Final = frozenset(("thinking", "reasoning", "redacted_thinking", "redacted-reasoning"))
_IMAGE_BLOCKS: Final = frozenset(("image", "file", "document"))
_STOPPED: Final = "User aborted"


def lines_reader() -> JsonlReader:
    """Returns the reader of a transcript. Its lines have no time, so a record before them has the file's."""
    return JsonlReader(before=lambda path: b'{"%s":%d}' % (NOTED.encode(), stamp_of_file(path).mtime_ns // 1_000_000))


def chat_reader() -> StatCachedReader:
    """Returns the reader of a `store.db` and of `meta.json` beside it, which holds title and folder."""
    return sqlite.database_reader(_chat, beside=lambda path: [path.with_name("meta.json")])


def _chat(db: sqlite.Connection, path: Path, _now_ms: int) -> Document:
    """Returns the chat in a `store.db`. Its pieces are the messages, each with the number of identical ones before."""
    noted = fields_of(files.read_beside(path.with_name("meta.json"), limit=1 << 16))
    # Before its first message the client has made the file, perhaps not its tables.
    is_made = sqlite.tables(db) >= {"meta", "blobs"}
    stored = sqlite.value_at(db, "SELECT value FROM meta WHERE key = ?", "0") if is_made else None
    try:
        meta = fields_of(binascii.unhexlify((stored or b"").strip()))
    except binascii.Error:
        meta = fields_of(stored)
    root = b""
    with suppress(TooLarge):
        root = (_blob(db, text_of(meta.get("latestRootBlobId")).lower()) if is_made else None) or b""
    idents = [*_messages(db, _MESSAGES.findall(root))]
    before: Counter[str] = Counter()
    pieces: list[tuple[str, int]] = []
    for ident in idents:
        pieces.append((ident, before[ident]))
        before[ident] += 1
    folder = text_of(noted.get("cwd"))
    title = text_of(noted.get("title")) or text_of(meta.get("name"))
    conversation = CursorConversation(
        id=path.parent.name,
        title=bounded(title, SHORT_CHARS) if title != _UNTITLED else "",
        model=bounded(text_of(meta.get("lastUsedModel")), SHORT_CHARS),
        # Its own id stands for "unknown": the parent is not recorded.
        root=path.parent.name if is_true(noted.get("isSubagent")) else None,
        folders=(folder,) if folder else (),
    )

    def record(number: int, ident: bytes) -> bytes:
        message = read_as(_blob(db, ident.decode()), Fields)
        if message is None:
            return msgspec.json.encode(StoreRecord("message", conversation, what="message", why="not JSON"))
        found = StoreRecord(
            "message",
            conversation,
            at_ms=time_of(meta.get("createdAt")) or time_of(noted.get("createdAtMs")),
            noted_ms=time_of(noted.get("updatedAtMs")),
            id=f"{ident.decode()[:_ID_CHARS]}/{pieces[number][1]}",
            message=message,
        )
        return msgspec.json.encode(found)

    # Messages are only added, so nothing is announced.
    unread = msgspec.json.encode(StoreRecord("message", conversation, what="conversation", why="unexpected root"))
    return Document(
        path.parent.name,
        [ident.encode() for ident in idents],
        lambda _on, _more: None if pieces else unread,
        record=record,
        end=lambda _: msgspec.json.encode(StoreRecord("session", conversation)) if pieces else None,
        pieces=pieces,
        empty="latestRootBlobId" in meta,
    )


def _messages(db: sqlite.Connection, ids: Iterable[bytes], depth: int = 0) -> Iterator[str]:
    """Yields the messages among these blobs and, in newer builds, those that a blob lists."""
    for ident in (each.hex() for each in ids):
        try:
            blob = _blob(db, ident)
        except TooLarge:
            blob = b"{"  # counted when its record is asked for
        if blob is not None:
            is_message = blob.lstrip()[:1] == b"{" or depth == _MAX_DEPTH
            nested = () if is_message else tuple(_messages(db, _NODES.findall(blob), depth + 1))
            yield from nested or (ident,)


def _blob(db: sqlite.Connection, ident: str) -> bytes | None:
    return sqlite.value_at(db, "SELECT data FROM blobs WHERE id = ?", ident)


class Words(msgspec.Struct, frozen=True):
    """The text that the user typed (empty if none), and when it was sent (UTC ms, 0 if unknown)."""

    text: str
    at_ms: int = 0
    workspace: str = ""
    """The workspace folder that the context blocks name."""
    marked: bool = False
    """Whether the client marked the text as the user's."""
    pressed: bool = False
    """Whether a button sent all of it."""
    images: int = 0


def without_button(text: str) -> tuple[str, bool]:
    """Returns the typed words of a query, and False; if a button sent all of it, the whole query, and True."""
    sent = _BUTTON.search(text)
    words = text[: sent.start() if sent is not None else None].strip()
    return words or text.strip(), sent is not None and not words


def typed_query(text: str) -> Words:
    """Returns the part of a user message that the user typed: the last query, since what was attached before it may
    hold one too."""
    start = _after_context(text)
    head = text[:start]
    typed = text[start:]
    before, mark, marked = typed.rpartition("<user_query>")
    if mark:
        head += before
        typed = marked.rpartition("</user_query>")[0] if "</user_query>" in marked else marked
    found = _WORKSPACE.search(head)
    words, pressed = without_button(typed)
    images = _IMAGES.match(text)
    return Words(
        text="" if typed.startswith(_INJECTED) else words,
        at_ms=spoken_ms(tagged(head, "timestamp", head.rfind("<timestamp>")) or ""),
        workspace=found[1].strip() if found else "",
        marked=bool(mark),
        pressed=pressed,
        images=images[0].count("\n") if images is not None else 0,
    )


def spoken_ms(text: str) -> int:
    """Parses a time such as `Monday, March 2, 2026, 9:00 AM (UTC+1)` to UTC milliseconds; 0 if it is none."""
    found = _TIME.search(text)
    if found is None:
        return 0
    *date, sign, hours, minutes = found.groups()
    zone = f"{sign or '+'}{int(hours or 0):02}{minutes or '00'}"
    try:
        return max(0, round(datetime.strptime(" ".join((*date, zone)), "%b %d %Y %I:%M %p %z").timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def _after_context(text: str) -> int:
    """Returns the offset at which the context blocks end; an unclosed block extends to the end. Without a query, one
    ends with its last closing tag, since what it quotes may hold the tag."""
    end_of = text.find if "<user_query>" in text else text.rfind
    at = 0
    while found := _CONTEXT.match(text, at):
        closing = f"</{found[1]}>"
        closed = end_of(closing, found.end())
        at = closed + len(closing) if closed >= 0 else len(text)
    return at


def parse_chat_line(source: Source, context: CursorContext, record: Record) -> tuple[CursorContext, Parsed]:
    """Parses one line of a transcript. A message has a role, everything else a type."""
    line = fields_of(record.data)
    role = text_of(line.get("role"))
    kind = text_of(line.get("type"))
    if not line and record.data.strip() != b"{}":
        return context, Parsed(skipped=(rawjson.skipped("?", "not a JSON object", None),))
    if role == "system":
        return context, Parsed()
    if line.keys() == {NOTED}:
        talk = msgspec.structs.replace(context.talk, noted_ms=number_of(line[NOTED]) or 0)
        return msgspec.structs.replace(context, talk=talk), Parsed()
    names = ("role", "type", "message", "status", "error")
    mark = digest(b"\0".join(bytes(line.get(name, rawjson.ABSENT)) for name in names))
    session = source.session or digest(source.path)
    copy = f"{COPY_GROUP}/" if source.group == COPY_GROUP else ""
    ident = f"{session}/{source.subagent_id or ''}/{copy}{record.number}/{mark}"
    recorder = CursorRecorder(
        context=context,
        native=CursorConversation(session),
        session=session,
        prefix=f"{ident}:",
        subagent_id=source.subagent_id,
        slug=source.group,
    )
    noted_ms = context.talk.noted_ms
    content = inside(line.get("message"), "content")
    if role in ("user", "assistant") and bytes(content)[:1] not in (b'"', b"["):
        recorder.skip(role, "unexpected message")
    elif role in ("user", "assistant"):
        parse_message(recorder, role, content, noted_ms)
    elif kind == "turn_ended":
        _end(recorder, line, noted_ms)
    else:
        recorder.skip(kind or role or "?", "unknown record type")
    return recorder.context, recorder.built()


def parse_message(recorder: CursorRecorder, role: str, content: msgspec.Raw | None, noted_ms: int) -> None:
    """Parses a message of either store."""
    if role not in _BLOCKS:
        if role != "system":
            recorder.skip("message", "unknown role")
        return
    blocks = _blocks(recorder, role, content)
    if role == "user":
        texts = [text_of(block.get("text")) for kind, block in blocks.values() if kind == "text"]
        images = sum(kind in _IMAGE_BLOCKS for kind, _ in blocks.values())
        _prompt(recorder, "\n".join(filter(None, texts)), noted_ms, images)
        return
    recorder.place(noted_ms)
    if recorder.slug is not None:
        recorder.close_calls(went_on=True)
    spoke = role == "assistant" and recorder.context.talk.spoke
    for number, (kind, block) in blocks.items():
        ident, tool = text_of(block.get("toolCallId")), text_of(block.get("toolName"))
        given = block.get("input", rawjson.ABSENT)
        if kind == "text":
            # What the model thought was taken out there.
            text = text_of(block.get("text")).removesuffix(_TAKEN_OUT).rstrip()
            add_answer(recorder, f"{number}", text, goes_on=spoke)
            spoke = spoke or text.strip() != ""
        elif kind == "tool_use":
            name = text_of(block.get("name"))
            _call(recorder, f"{recorder.ident}/{number}", name, calls.arguments_in(given), f"{number}")
        elif kind == "tool-call":
            args = calls.arguments_in(block.get("args", rawjson.ABSENT), given)
            _call(recorder, ident, tool, args, f"{number}")
        elif kind == "tool-result" and recorder.identify("tool-result", ident):
            call = recorder.take_call(ident, tool, calls.TOOLS.op(tool))
            outcome = calls.outcome_of(call.op, block.get("result", rawjson.ABSENT))
            if is_true(block.get("isError")) and outcome.status in ("ok", "unknown"):
                outcome = ToolOutcome("error", outcome.output, exit_code=outcome.exit_code)
            recorder.result(call, outcome, f"{number}", f"{number}.")
        spoke = spoke and kind == "text"
    recorder.change_talk(spoke=spoke)


def _blocks(recorder: CursorRecorder, role: str, content: msgspec.Raw | None) -> dict[int, tuple[str, Fields]]:
    """Returns the kind and the fields of the parts of a message that are understood, by position; the others are
    counted. A transcript has parts as in Anthropic's API, a chat as in the AI SDK."""
    if content is not None and text_of(content):
        return {0: ("text", {"text": content})}
    blocks = {}
    for number, block in enumerate(map(fields_of, items_of(content)[:_MAX_BLOCKS])):
        kind = text_of(block.get("type"))
        if not kind or (kind == "text" and rawjson.string_of(block.get("text")) is None):
            recorder.skip(role, "unexpected block")
        elif kind in _BLOCKS[role] or kind in _IMAGE_BLOCKS:
            blocks[number] = kind, block
        elif kind not in _QUIET_BLOCKS:
            recorder.skip(f"{role}/{kind}", "unknown block")
    return blocks


def _prompt(recorder: CursorRecorder, text: str, noted_ms: int, attachments: int) -> None:
    """Handles a user's message. Open calls are closed, since they will get no result."""
    words = typed_query(text)
    marks = recorder.context.talk.marks
    recorder.change_talk(spoke=False)
    recorder.place(noted_ms, words.at_ms)
    recorder.learn_folder((words.workspace,))
    attachments = attachments or words.images
    if words.text or attachments:
        typed = recorder.subagent_id is None and not words.pressed and (words.marked or not marks)
        actor: Actor = "human" if typed else "model"
        recorder.add(UserPrompt(text=words.text, actor=actor, attachments=attachments), "prompt")
        recorder.change_talk(marks=marks or words.marked)
        if typed or words.pressed or recorder.subagent_id is not None:
            recorder.keep_open(())


def _call(recorder: CursorRecorder, call_id: str, name: str, given: Fields, part: str) -> None:
    call = recorder.call(call_id, name, given, part)
    if call is None or calls.plain_name(name) != "todowrite":
        return
    todos = calls.todos_after(recorder.context.talk.todos, given)
    if todos is None:
        recorder.skip("tool-call/TodoWrite", "unexpected input")
    else:
        recorder.change_talk(todos=todos)
        recorder.add(plan_of(todos), f"{part}.todos")


def _end(recorder: CursorRecorder, line: Fields, noted_ms: int) -> None:
    status = text_of(line.get("status"))
    error = text_below(line.get("error"), "message")
    recorder.place(noted_ms)
    recorder.change_talk(spoke=False)
    recorder.close_calls(went_on=status in ("success", "completed"))
    if status in ("aborted", "cancelled", "interrupted") or (status == "error" and error.startswith(_STOPPED)):
        recorder.add(TurnEnd(reason="interrupted"), "end")
    elif status == "error":
        add_failure(recorder, "end", error)
    elif status not in ("success", "completed"):
        recorder.skip("turn_ended", "unknown status")
