"""Parses one turn of a document into events. Keys count turns and parts, so a longer export of a session adds to it."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from carryover.adapter.contract import Parsed, QuotedText, Record, Source
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.importing.rebase import located
from carryover.importing.specstory.blocks import ToolBlock, blocks, spoken_text
from carryover.importing.specstory.layout import HEADING
from carryover.importing.specstory.tools import outcome_in_text, read_tool, said_by
from carryover.importing.turns import Turn, TurnContext
from carryover.model import AssistantMessage, UserPrompt
from carryover.records.changes import as_edit
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded, utc_ms
from carryover.records.text import HANDOFF_FILE, names_own_folder

SUBAGENT: Final = "inline"
"""Id of all sub-agents: the format does not distinguish them."""
_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?Z|[+-]\d{2}:?\d{2})?$", re.ASCII
)
_MODEL: Final = re.compile(r"model:? ([^,]+)")
_TITLE: Final = re.compile(r"^#{1,2} (.+?)\s*$", re.MULTILINE)
_ABOVE_BYTES: Final = 4096
_TITLE_TIME: Final = re.compile(r"\s*\(?(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}[^)\s]*)\)?$")


class Context(TurnContext, frozen=True, omit_defaults=True):
    """The parser's state between two turns of a document."""

    begun: bool = False
    """Whether the lines above the first turn have been read."""
    last_ms: int = 0
    """Time of the last turn that had one; later turns without a time inherit it."""
    name: str = ""
    """Name of the last tool called; empty once something has been said since."""
    command: bool = False
    """Whether the last turn was a slash command of the user's."""


class SpecStoryParser:
    """Parses one agent's documents. `folder`: the project that they are about, if known."""

    def __init__(self, quoted: QuotedText | None, folder: str | None) -> None:
        self._quoted = quoted
        self._folder = folder

    def parse(self, source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
        """Implements `Agent.parse`."""
        head, _, rest = record.data.partition(b"\n")
        heading = HEADING.match(head.rstrip(b"\r"))
        if heading is None:
            return (context if context.begun else _above(record.data)), Parsed()
        about = (heading[3] or b"").decode("utf-8", "replace")
        model, at_ms = _model_and_time(about)
        at_ms = at_ms or context.last_ms
        subagent_id = SUBAGENT if heading[2] else None
        session = source.session or ""
        turn = Turn(context, "specstory", session, self._folder, at_ms=at_ms, subagent_id=subagent_id)
        turn.change(begun=True, turns=context.turns + 1, last_ms=at_ms, model=model or context.model)
        text = rest.decode("utf-8", "replace")
        if heading[1] == b"User":
            self._prompt(turn, spoken_text(text), follows_at_once=context.last_ms == at_ms)
        else:
            self._answer(turn, text)
        return turn.context, turn.built()

    def _prompt(self, turn: Turn[Context], text: str, *, follows_at_once: bool) -> None:
        before = turn.context.name
        expands = turn.context.command and follows_at_once  # the client's expansion of a command, for the model
        turn.change(name="", command=False)
        if not text or expands:
            return
        bodies = (UserPrompt(text=text),) if self._quoted is None else self._quoted.prompt(text, before)
        for number, body in enumerate(bodies):
            if isinstance(body, UserPrompt) and turn.subagent_id is not None:
                body = UserPrompt(text=body.text, actor="model", command=body.command)
            turn.add(body, f"prompt{number}")
        turn.change(command=any(isinstance(body, UserPrompt) and body.command for body in bodies))

    def _answer(self, turn: Turn[Context], text: str) -> None:
        turn.change(command=False)
        for number, block in enumerate(blocks(text)):
            if isinstance(block, str):
                turn.add(AssistantMessage(text=block), f"said{number}")
                turn.change(name="")
            else:
                self._tool(turn, block, f"tool{number}")
                turn.change(name=block.name[:MAX_NAME_CHARS])

    def _tool(self, turn: Turn[Context], block: ToolBlock, part: str) -> None:
        read_outcome = outcome_in_text if self._quoted is None else self._quoted.outcome
        use = read_tool(block, read_outcome, partial(located, folder=self._folder), self._folder)
        call_id = f"{turn.session}/{turn.context.turns}/{part}"
        name = usable_name(block.name) or "?"
        call = OpenCall(call_id, name, use.op, use.subject, handoff=names_own_folder(use.subject))
        turn.add(call.as_event(), part)
        for number, body in enumerate(said_by(use, call_id)):
            turn.add(body, f"{part}.said{number}")
        if use.outcome is not None:
            turn.add(call.ended(use.outcome), f"{part}.result")
        if use.outcome is not None and use.outcome.status in ("ok", "unknown"):
            for number, change in enumerate(use.changes):
                if not change.path.endswith(HANDOFF_FILE):
                    turn.add(as_edit(change, call_id), f"{part}.edit{number}")


def _above(data: bytes) -> Context:
    """Returns the context after the lines above the first turn: title (unless it is only a time) and time."""
    text = data[:_ABOVE_BYTES].decode("utf-8", "replace")
    found = _TITLE.search(text)
    title = found[1] if found is not None else ""
    timed = _TITLE_TIME.search(title)
    name = title[: timed.start()] if timed is not None else title
    return Context(
        begun=True,
        last_ms=utc_ms(_iso(timed[1])) if timed is not None else 0,
        title=bounded(name.strip(), SHORT_CHARS) or None,
    )


def _model_and_time(about: str) -> tuple[str | None, int]:
    """Parses model and time in a heading: `<time>`, `<model> <time>`, `<model>`, `model <model>, mode <mode>`."""
    about = about.strip()
    timed = _TIME.search(about)
    at_ms = utc_ms(_iso(timed[0])) if timed is not None else 0
    rest = about[: timed.start()].strip() if timed is not None else about
    named = _MODEL.match(rest)
    return usable_name(named[1].strip() if named is not None else rest), at_ms


def _iso(time: str) -> str:
    return time.replace(" Z", "Z")
