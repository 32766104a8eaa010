"""Reads chats that an agent's own client exported as Markdown, in the form that its spec describes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.adapter.spec import ChatExport
from carryover.agents import agent_name, specs
from carryover.importing.turns import RANK, Document, Turn, TurnContext, TurnReader, by_turn, document_agent
from carryover.model import AnyBody, AssistantMessage, UserPrompt, is_plain_id
from carryover.records.fields import SHORT_CHARS, bounded, digest

_ID_CHARS: Final = 400
_TITLE: Final = re.compile(r"# ([^\n]{1,300})")
_INPUT: Final = re.compile(r'"(?:command|filePath|path|pattern|query|url|description)":\s*("(?:[^"\\]|\\.){1,2000}")')
_OUTPUT: Final = re.compile(r"\*\*Output:\*\*\n`{3,}[^\n]*\n(.*)\n`{3,}[ \t]*(?:\n|\Z)", re.DOTALL)
_GIVEN: Final = re.compile(r"\s{0,20}\*\*Input:\*\*\n(`{3,})[^\n]*\n.*?\n\1[ \t]*(?:\n|\Z)", re.DOTALL)


def opened(path: Path, head: bytes, folder: str | None) -> Document | None:
    """Returns a chat as a document; None if no agent's client exported it. `folder` is the project that it is about.

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
        reader = TurnReader(partial(by_turn, partial(_turn_starts, form)))
        agent = document_agent(spec, reader, TurnContext, partial(_parse, form, folder))
        source = Source(agent=spec.id, path=str(path), session=session, rank=RANK)
        return Document(agent, source, agent_name(spec.id))
    return None


def _turn_starts(form: ChatExport, lines: Sequence[str]) -> list[int]:
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


def _parse(form: ChatExport, folder: str | None, source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    text = record.data.decode("utf-8", "replace").replace("\r\n", "\n")
    heading, _, said = text.partition("\n")
    # It has no time: such exports have none that can be read for certain.
    turn = Turn[TurnContext](context, "export", source.session or "", folder)
    turn.change(turns=context.turns + 1)
    if re.fullmatch(form.user, heading.rstrip()):
        bodies: Iterable[tuple[str, AnyBody]] = [("prompt", UserPrompt(text=_spoken(said)))]
    elif re.fullmatch(form.agent, heading.rstrip()):
        answered = _answered(form, said, f"{turn.session}/{turn.context.turns}")
        bodies = ((f"part{number}", body) for number, body in enumerate(answered))
    else:
        title = _TITLE.match(text.removeprefix("\ufeff")) if form.ruled else None
        return TurnContext(title=bounded(title[1].strip(), SHORT_CHARS) if title is not None else None), Parsed()
    for part, body in bodies:
        if not isinstance(body, UserPrompt | AssistantMessage) or body.text:
            turn.add(body, part)
    return turn.context, turn.built()


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
