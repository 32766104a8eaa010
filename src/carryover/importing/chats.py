"""Reads chats: Markdown that an agent's own client exported, in the form that its spec describes, and chats in which
only roles show who speaks. Those become steps of a trajectory: Markdown with `user:` and `assistant:`, and messages in
JSON with `role` and `content`, in the forms of OpenAI and Anthropic, as a list or as lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.spec import AgentSpec, ChatExport
from carryover.agents import agent_name, specs
from carryover.importing import atif
from carryover.importing.turns import MAX_BYTES, Document, Turn, TurnContext, TurnReader, by_turn, document
from carryover.model import AnyBody, AssistantMessage, UserPrompt, is_plain_id
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, text_of
from carryover.transcript.files import read_small
from carryover.transcript.recorder import OpenCall, usable_name

FORMS: Final = "chats with `user:` and `assistant:` in Markdown, lists of messages with `role` and `content` in JSON"
_UNNAMED: Final = AgentSpec(id="assistant", name="Assistant", binaries=(), folders=())
"""Stands for the program that answered, which such a chat does not name."""

Speaker = Literal["user", "agent", "tool", "system"]
_SPEAKERS: Final[dict[str, Speaker]] = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "ai", "model", "gpt"), "agent"),
    **dict.fromkeys(("tool", "function"), "tool"),
    **dict.fromkeys(("system", "developer"), "system"),
}
_ITEMS: Final[dict[str, Speaker]] = {
    **dict.fromkeys(("function_call", "custom_tool_call"), "agent"),
    **dict.fromkeys(("function_call_output", "custom_tool_call_output", "function_call_result"), "tool"),
    "reasoning": "system",
}
"""Who makes an entry that is no message, in the form of OpenAI's Responses."""
_ROLE: Final = r"(?P<role>user|human|assistant|ai|system)"
_TIME: Final = r"(?:[ \t]*[(\[][^()\[\]\n]{1,60}[)\]])?"
_HEADINGS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"#{{1,6}}[ \t]+\**{_ROLE}\**:?\**{_TIME}:?[ \t]*",
        rf"\*\*{_ROLE}(?::\*\*|\*\*:){_TIME}[ \t]*(?P<said>.*)",
        rf"\*\*{_ROLE}\*\*[ \t]*",
        rf"{_ROLE}:[ \t]*(?P<said>.*)",
    )
)
"""The lines that begin a turn, one form for a whole document: what looks like another one is part of what was said."""
_FENCE: Final = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_LISTS: Final = ("messages", "conversation", "conversations", "history")
_TIMES: Final = ("timestamp", "created_at", "createdAt", "time")
_IDS: Final = ("tool_call_id", "call_id", "callId")
_TEXTS: Final = ("text", "input_text", "output_text")
_ID_CHARS: Final = 400
_TITLE: Final = re.compile(r"# ([^\n]{1,300})")
_INPUT: Final = re.compile(r'"(?:command|filePath|path|pattern|query|url|description)":\s*("(?:[^"\\]|\\.){1,2000}")')
_OUTPUT: Final = re.compile(r"\*\*Output:\*\*\n`{3,}[^\n]*\n(.*)\n`{3,}[ \t]*(?:\n|\Z)", re.DOTALL)
_GIVEN: Final = re.compile(r"\s{0,20}\*\*Input:\*\*\n(`{3,})[^\n]*\n.*?\n\1[ \t]*(?:\n|\Z)", re.DOTALL)


def exported(path: Path, head: bytes, folder: str | None) -> Document | None:
    """Returns a chat that an agent's client exported; None if none did. `folder` is the project that it is about.

    A chat that names no session is identified by its beginning.
    """
    text = head.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    for spec in specs():
        form = spec.chat_export
        if form is None or (begins := re.match(form.head, text)) is None:
            continue
        session = begins.groupdict().get("session")
        if session is None or not is_plain_id(session):
            turns = re.split(rf"^(?:{form.user}|{form.agent})[ \t]*$", text, maxsplit=2, flags=re.MULTILINE)
            session = f"{spec.id}-export-{digest(_spoken(turns[1])[:_ID_CHARS] if len(turns) > 1 else text)}"
        reader = TurnReader(partial(by_turn, partial(_exported_starts, form)))
        parse = partial(_parse, form, folder)
        return document(spec, reader, TurnContext, parse, path, agent_name(spec.id), session)
    return None


def _exported_starts(form: ChatExport, lines: Sequence[str]) -> list[int]:
    """Returns where turns begin: at headings below blank lines, and below a rule if the form has it."""
    found = []
    above = ""
    for at, line in enumerate(lines):
        blank = at == 0 or not lines[at - 1].strip()
        placed = blank and (above == "---" or not form.ruled)
        if placed and any(re.fullmatch(heading, line.rstrip()) for heading in (form.user, form.agent)):
            found.append(at)
        above = line.strip() or above
    return found


def _parse(
    form: ChatExport, folder: str | None, source: Source, context: TurnContext, record: Record
) -> tuple[TurnContext, Parsed]:
    text = record.data.decode("utf-8", "replace").replace("\r\n", "\n")
    heading, _, said = text.partition("\n")
    # It has no time: such exports have none that can be read for certain.
    place = f"{source.session or ''}/{context.turns + 1}"
    turn = Turn(context=context, keys=f"export/{place}", session=source.session or "")
    turn.change(turns=context.turns + 1, cwd=folder)
    if re.fullmatch(form.user, heading.rstrip()):
        if spoken := _spoken(said):
            turn.add(UserPrompt(text=spoken), "prompt")
    elif re.fullmatch(form.agent, heading.rstrip()):
        for number, body in enumerate(_answered(form, said, place)):
            if not isinstance(body, AssistantMessage) or body.text:
                turn.add(body, f"part{number}")
    else:
        title = _TITLE.match(text.removeprefix("\ufeff")) if form.ruled else None
        turn.change(turns=0)
        turn.learn(title=bounded(title[1].strip(), SHORT_CHARS) if title is not None else None)
    return turn.finish()


def _answered(form: ChatExport, text: str, turn: str) -> Iterator[AnyBody]:
    """What an agent said, and the tool calls in it."""
    pattern = re.compile(rf"^(?:{form.call})$" if form.call else r"(?!)", re.MULTILINE)
    if not pattern.groups:  # the line is all that it says of the call
        lines = (line for line in text.split("\n") if not pattern.match(line.rstrip()))
        yield AssistantMessage(text=_spoken("\n".join(lines)))
        return
    starts = [*pattern.finditer(text)]
    yield AssistantMessage(text=_spoken(text[: starts[0].start()] if starts else text))
    for number, start in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        block = text[start.end() : end]
        given = _INPUT.search(block)
        printed = _OUTPUT.search(block)
        subject = ""
        if given is not None:
            with suppress(msgspec.MsgspecError, UnicodeError):
                subject = bounded(msgspec.json.decode(given[1], type=str), SHORT_CHARS)
        call = OpenCall(f"{turn}/{number}", usable_name(start[1]) or "?", "other", subject)
        yield call.as_event()
        yield call.ended(ToolOutcome("unknown", printed[1] if printed is not None else ""))
        last = printed or _GIVEN.match(block)
        yield AssistantMessage(text=_spoken(block[last.end() if last is not None else 0 :]))


def _spoken(text: str) -> str:
    """A text without the rule before the next speaker."""
    spoken = text.strip()
    return spoken.removesuffix("\n---").strip() if spoken != "---" else ""


def opened(path: Path, head: bytes, agent_id: str | None) -> Document | None:
    """Returns a chat as a document; None if it is not one: it needs two speakers, who take turns. `agent_id` is the
    agent that answered, if the user names it."""
    if (split := _split_of(path, head)) is None:
        return None
    spec = next((spec for spec in specs() if spec.id == agent_id), _UNNAMED)
    return atif.document_of(spec, split, path, agent_name(spec.id))


def _split_of(path: Path, head: bytes) -> Callable[[bytes], list[Record]] | None:
    """Returns the function that splits the chat's text into records; None if it is no chat."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"[", b"{")) and (b'"role"' in head or b'"from"' in head):
        found = messages_in(read_small(path, limit=MAX_BYTES) or b"")
        if _take_turns([speaker for speaker, _ in found]):
            return _records_of_messages
    lines = text.decode("utf-8", "replace").split("\n")
    fitting = []
    for form in _HEADINGS:
        starts = _turn_starts(form, lines)
        if _is_chat(form, lines, starts):
            fitting.append((starts[0], form))
    if not fitting:
        return None
    _, first_form = min(fitting, key=lambda found: found[0])
    return partial(_records_of_markdown, first_form)


def _is_chat(form: re.Pattern[str], lines: Sequence[str], starts: Sequence[int]) -> bool:
    begins = (form.fullmatch(lines[at].rstrip()) for at in starts)
    return _take_turns([_SPEAKERS[begin["role"].lower()] for begin in begins if begin is not None])


def _take_turns(speakers: Sequence[Speaker]) -> bool:
    spoken = [speaker for speaker in speakers if speaker in ("user", "agent")]
    return ("user", "agent") in pairwise(spoken)


def _turn_starts(form: re.Pattern[str], lines: Sequence[str]) -> list[int]:
    """Returns where turns begin, outside of code: below a blank line or, if the document begins with one, anywhere."""
    found: list[int] = []
    fence = ""
    first = next((line for line in lines if line.strip()), "")
    is_bare = form.fullmatch(first.rstrip()) is not None
    for at, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        below_blank = is_bare or at == 0 or not lines[at - 1].strip() or lines[at - 1].strip() == "---"
        if not fence and below_blank and form.fullmatch(line.rstrip()):
            found.append(at)
    return found


def _records_of_markdown(form: re.Pattern[str], data: bytes) -> list[Record]:
    turns = by_turn(partial(_turn_starts, form), data.removeprefix(b"\xef\xbb\xbf"))
    steps = list[tuple[int, dict[str, Any]]]()
    for turn in turns:
        first, _, rest = turn.data.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n")
        begin = form.fullmatch(first.rstrip())
        speaker = _SPEAKERS[begin["role"].lower()] if begin is not None else "system"
        if begin is not None and speaker != "system":
            said = f"{begin.groupdict().get('said') or ''}\n{rest}".strip().removesuffix("\n---").strip()
            steps.append((turn.number, {"source": speaker, "message": said}))
    return _records(steps)


def _records(steps: Sequence[tuple[int, dict[str, Any]]]) -> list[Record]:
    """Returns the steps as records of a trajectory. A chat has no id: how it begins identifies it."""
    begins = next((str(step["message"]) for _, step in steps if step["source"] == "user"), "")
    head = {"head": {"session_id": f"chat-{digest(begins[:_ID_CHARS])}"}}
    numbered = ((number, {"step_id": str(place), **step}) for place, (number, step) in enumerate(steps, 1))
    return [Record(number=number, data=msgspec.json.encode(step)) for number, step in [(0, head), *numbered]]


def messages_in(data: bytes) -> list[tuple[Speaker, Fields]]:
    """Returns the messages in a JSON document or in JSON lines, each with its speaker; empty if it holds others."""
    raw = msgspec.Raw(data.removeprefix(b"\xef\xbb\xbf").strip())
    whole = fields_of(raw)
    listed = items_of(raw) or next(filter(None, (items_of(whole.get(name)) for name in _LISTS)), [])
    listed = listed or [msgspec.Raw(line) for line in bytes(raw).splitlines() if line.strip()]
    messages = [fields_of(one) for one in listed]
    spoken = [(speaker, message) for message in messages if (speaker := _speaker_of(message)) is not None]
    return spoken if 2 * len(spoken) >= len(messages) else []


def _speaker_of(message: Fields) -> Speaker | None:
    if (item := _ITEMS.get(text_of(message.get("type")))) is not None:
        return item
    has_content = any(name in message for name in ("content", "tool_calls", "value"))
    return _SPEAKERS.get(first_text(message, "role", "from").lower()) if has_content else None


def _records_of_messages(data: bytes) -> list[Record]:
    steps = list[tuple[int, dict[str, Any]]]()
    calls: dict[str, dict[str, Any]] = {}
    for number, (speaker, message) in enumerate(messages_in(data), 1):
        for call_id, result in _results_in(speaker, message):
            if call_id in calls:
                calls[call_id]["observation"]["results"].append(result)
        text = _text_of(message)
        asked = [*_calls_in(message, number)] if speaker == "agent" else []
        if speaker in ("user", "agent") and (text or asked):
            step: dict[str, Any] = {
                "source": speaker,
                "message": text,
                "tool_calls": asked,
                "observation": {"results": []},
                "timestamp": next((message[name] for name in _TIMES if name in message), None),
                "model_name": text_of(message.get("model")),
            }
            steps.append((number, step))
            calls.update((call["tool_call_id"], step) for call in asked)
    return _records(steps)


def _content_of(message: Fields) -> msgspec.Raw:
    return message.get("content", message.get("value", rawjson.ABSENT))


def _text_of(message: Fields) -> str:
    content = _content_of(message)
    parts = (fields_of(part) for part in items_of(content))
    texts = (text_of(part.get("text")) for part in parts if text_of(part.get("type")) in _TEXTS)
    return text_of(content) or "\n".join(texts)


def _calls_in(message: Fields, number: int) -> Iterator[dict[str, Any]]:
    """Yields the calls in a message: blocks of `tool_use`, or `tool_calls`."""
    for block in _blocks(message, "tool_use"):
        yield _call(text_of(block.get("id")), text_of(block.get("name")), block.get("input"))
    if text_of(message.get("type")) in _ITEMS:
        given = message.get("arguments", message.get("input"))
        yield _call(first_text(message, *_IDS), text_of(message.get("name")), given)
    for place, raw in enumerate(map(fields_of, items_of(message.get("tool_calls")))):
        function = fields_of(raw.get("function"))
        name = text_of(function.get("name"))
        yield _call(text_of(raw.get("id")) or f"{number}/{place}/{name}", name, function.get("arguments"))


def _call(call_id: str, name: str, given: msgspec.Raw | None) -> dict[str, Any]:
    """Returns a call of a step. Arguments may be an object, or a text that holds one."""
    text = text_of(given)
    arguments: Any = fields_of(given) or fields_of(text.encode("utf-8", "replace")) or {"input": text}
    return {"tool_call_id": call_id, "function_name": name, "arguments": arguments}


def _results_in(speaker: Speaker, message: Fields) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yields what calls returned: a message of the tool, or blocks of `tool_result` in one of the user."""
    if speaker == "tool":
        call_id = first_text(message, *_IDS)
        output = message.get("output")
        printed = _text_of(message) or text_of(output) or text_of(fields_of(output).get("text"))
        yield call_id, {"source_call_id": call_id, "content": printed}
    for block in _blocks(message, "tool_result"):
        call_id = text_of(block.get("tool_use_id"))
        extra = {"is_error": is_true(block.get("is_error"))}
        yield call_id, {"source_call_id": call_id, "content": _text_of(block), "extra": extra}


def _blocks(message: Fields, kind: str) -> Iterator[Fields]:
    blocks = (fields_of(block) for block in items_of(_content_of(message)))
    yield from (block for block in blocks if text_of(block.get("type")) == kind)
