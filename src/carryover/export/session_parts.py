"""Splits a session into parts to show: what was said, and what was done in between. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice, tee, zip_longest
from typing import Final, Generic, Literal, TypeVar, cast

import msgspec

from carryover import model
from carryover.distill.quotes import quoted
from carryover.export.quoting import code_span, fenced, quoted_line, safe
from carryover.records.fields import path_in_project
from carryover.redact import CleanText
from carryover.text.harmless import one_line
from carryover.text.markdown import line_forms
from carryover.text.pasted import with_marks_named
from carryover.text.pattern import later
from carryover.text.reset_times import with_reset_here

_Text = TypeVar("_Text", bound=str)
_Item = TypeVar("_Item")
PartKind = Literal["user", "agent", "tool", "happening"]

_PLAN_MARKS: Final = {"done": "[x]", "active": "[>]", "pending": "[ ]"}
TURN_ENDS: Final = {
    "interrupted": "Interrupted",
    "error": "Stopped by an error",
    "limit": "Stopped at a usage limit",
}
VERBS: Final = {"add": "Added", "modify": "Edited", "delete": "Deleted", "rename": "Renamed"}
_VERDICTS: Final = {None: "Plan proposed", True: "Plan accepted", False: "Plan declined"}
_HEADING_CHARS: Final = 160
_QUEUED: Final = "Prompt queued"
_WITHDRAWN: Final = "Queued prompt withdrawn"


class SessionHead(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about a session; what is not known is empty. `agent` is the agent's id, `project` the root as it is
    shown."""

    id: str
    agent: str
    agent_name: str
    version: str = ""
    machine: str = ""
    """The other machine that recorded it."""
    title: str = ""
    root: str = ""
    project: str = ""
    branch: str = ""
    model: str = ""
    parent: str = ""
    exported_ms: int = 0


class Part(msgspec.Struct, Generic[_Text], frozen=True, omit_defaults=True):
    """Something said or done. `heading` is one line; `text` may be empty. `retracted`: by the user."""

    kind: PartKind
    at_ms: int
    heading: _Text
    text: _Text
    failed: bool = False
    is_diff: bool = False
    retracted: bool = False
    subagent_id: str | None = None
    turn: int = 0
    repeated: bool = False
    """Whether another part says it better, such as an edit that was made or a question that was asked."""
    by_user: bool = False
    """Whether the user ran the command. The heading says so too, but may hold any words: a call's are in it."""


def session_parts(events: Iterable[model.StoredEvent], *, agent: str, root: str | None) -> Iterator[Part[str]]:
    """Yields the parts of a session of `agent` (its display name) as recorded, a limit with the local time at which it
    resets; calls without a result come last. Paths below `root` are shown without it.
    """
    queued: Part[str] | None = None
    for part in _parts(events, agent=agent, root=root):
        # With `claude -p` (2.1.330) each prompt passes the queue, and is delivered at once.
        if queued is not None and (part.kind, part.text) != ("user", queued.text):
            yield queued
        queued = part if part.heading == _QUEUED else None
        if queued is None:
            yield part
    if queued is not None:
        yield queued


def _parts(events: Iterable[model.StoredEvent], *, agent: str, root: str | None) -> Iterator[Part[str]]:
    unfinished: dict[str, tuple[int, model.ToolCall]] = {}
    before: model.AnyBody | None = None
    for (turn, event), following in _each_with_next(numbered(events)):
        body, earlier = event.body, before
        before = body
        if isinstance(body, model.ToolCall) and not event.retracted:
            unfinished[body.call_id] = (event.at_ms, body)
        elif isinstance(body, model.ToolResult):
            unfinished.pop(body.call_id, None)
        if isinstance(body, model.TurnEnd):
            body = msgspec.structs.replace(body, message=with_reset_here(body.message, body.resets, event.at_ms))
        if (what := shown_body(body, agent, root, event.at_ms)) is not None:
            yield msgspec.structs.replace(
                what,
                is_diff=isinstance(body, model.FileEdit),
                retracted=event.retracted,
                subagent_id=event.subagent_id,
                turn=turn,
                repeated=_is_repeated(body, earlier, following[1].body if following is not None else None),
            )
    for at_ms, call in unfinished.values():
        yield Part(kind="tool", at_ms=at_ms, heading=f"{_call(call, root)} (no result recorded)", text="")


def _each_with_next(items: Iterable[_Item]) -> Iterator[tuple[_Item, _Item | None]]:
    this, following = tee(items)
    return zip_longest(this, islice(following, 1, None))


def _is_repeated(body: model.AnyBody, before: model.AnyBody | None, after: model.AnyBody | None) -> bool:
    """Whether a result adds nothing to what stands beside it. Of some documents, it is not known how a call ended."""
    if not isinstance(body, model.ToolResult) or body.status not in ("ok", "unknown"):
        return False
    if body.op == "plan":
        return isinstance(before, model.PlanUpdate) or isinstance(after, model.PlanUpdate)
    is_applied = body.op in ("edit", "write") and isinstance(after, model.FileEdit)
    return is_applied or (body.op in ("edit", "write", "ask") and body.status == "ok")


def numbered(events: Iterable[model.StoredEvent]) -> Iterator[tuple[int, model.StoredEvent]]:
    """Yields each event of a session with the number of its turn, from 1; 0 is everything before the first.

    A turn begins with a prompt that a person gave to the main conversation and did not retract.
    """
    turn = 0
    for event in events:
        is_prompt = isinstance(event.body, model.UserPrompt) and event.body.begins_turn
        turn += is_prompt and not event.subagent_id and not event.retracted
        yield turn, event


def cleaned(parts: Iterable[Part[str]]) -> Iterator[Part[CleanText]]:
    """Yields the parts with text that may leave the machine, and with a sub-agent's name in the heading."""
    for part in parts:
        by = f" (sub-agent {part.subagent_id})" if part.subagent_id else ""
        heading = quoted_line(f"{part.heading}{by}")
        text = CleanText(safe(part.text).strip("\n"))
        yield cast(Part[CleanText], msgspec.structs.replace(part, heading=heading, text=text))


def with_speakers(parts: Iterable[Part[_Text]], agent: _Text) -> Iterator[Part[_Text]]:
    """Yields the parts, and before a tool's output that would stand below the user's heading the agent's, by its
    display name."""
    by_user = False
    for part in parts:
        if part.kind in ("user", "agent"):
            by_user = part.kind == "user"
        elif by_user and not part.by_user:
            by_user = False
            yield cast(Part[_Text], Part(kind="agent", at_ms=part.at_ms, heading=agent, text=""))
        yield part


def _zoned_time(at_ms: int) -> str:
    """`2026-11-20 14:30 UTC+01:00`, where this machine is; empty if the time is unknown."""
    return f"{datetime.fromtimestamp(at_ms / 1000).astimezone():%Y-%m-%d %H:%M %Z}" if at_ms > 0 else ""


def shown_body(body: model.AnyBody, agent: str, root: str | None, at_ms: int = 0) -> Part[str] | None:
    """Returns what is shown of a body, as a part of its own; None if nothing is."""
    match body:
        case model.UserPrompt(actor=actor) as prompt:
            kind: PartKind = "user" if actor == "human" else "agent"
            by_user = "You (a stored prompt)" if prompt.stored else "You"
            by_user = "You (the agent's plan, accepted)" if prompt.accepts_plan else by_user
            by_agent = f"Message of another session, {prompt.sender}" if prompt.sender else "Prompt of the agent"
            by_agent = "Scheduled prompt" if prompt.scheduled else by_agent
            return Part(kind, at_ms, by_user if actor == "human" else by_agent, with_marks_named(prompt.typed))
        case model.AssistantMessage(text=text, aborted=aborted):
            return Part("agent", at_ms, f"{agent} (cut off)" if aborted else agent, text)
        case model.Answer(question=question, text=text):
            return Part("user", at_ms, "You", f"Asked {quoted(one_line(question))}:\n\n{text}")
        case model.Question(text=text, options=options):
            return Part("agent", at_ms, f"{agent} asks", "\n".join([text, *(f"- {option}" for option in options)]))
        case model.ToolResult(op=op, subject=subject, output=output) as result:
            failed = result.status in ("error", "denied")
            how = "" if result.status in ("ok", "unknown") else f" ({result.status})"
            if result.exit_code:
                how = f" (exit {result.exit_code})"
            is_users = result.actor == "human"
            by = " (run by you)" if is_users else ""
            is_cut = op == "shell" and len(" ".join(subject.split())) > _HEADING_CHARS
            printed = f"$ {subject}\n{output}" if is_cut else output
            return Part("tool", at_ms, f"{_call(result, root)}{by}{how}", printed, failed, by_user=is_users)
        case model.FileEdit() as edit:
            return Part("tool", at_ms, edit_line(edit, root), edit.diff)
        case model.ChangedElsewhere(path=path):
            return Part("happening", at_ms, f"Changed by someone or something else: {path_in_project(path, root)}", "")
        case model.PlanUpdate(items=items):
            done = sum(item.state == "done" for item in items)
            steps = "\n".join(f"- {_PLAN_MARKS[item.state]} {item.text}" for item in items)
            return Part("tool", at_ms, f"Plan: {done} of {len(items)} done", steps)
        case model.PlanProposal(text=text, accepted=accepted):
            return Part("agent" if accepted is None else "tool", at_ms, _VERDICTS[accepted], text)
        case model.AgentSummary(text=text, source=source):
            return Part("tool", at_ms, f"The agent's own summary ({source})", text)
        case model.QueuedPrompt(text=text, change=change):
            return Part("happening", at_ms, _QUEUED if change == "added" else _WITHDRAWN, with_marks_named(text))
        case model.BackgroundTask(label=label, state=state):
            return Part("happening", at_ms, f"In the background, {state}: {label}", "", state == "failed")
        case model.TurnEnd(reason=reason, message=message):
            return Part("happening", at_ms, TURN_ENDS[reason], message, reason != "interrupted")
        case model.SessionStart(reason=reason):
            return Part("happening", at_ms, f"Session started ({reason})", "")
        case model.SessionEnd(reason=reason):
            return Part("happening", at_ms, f"Session ended ({reason})", "")
        case _:
            return None


def _call(call: model.ToolCall | model.ToolResult, root: str | None) -> str:
    subject = path_in_project(call.subject, root) if call.op in ("read", "edit", "write") else call.subject
    line = " ".join((subject if subject == call.name else f"{call.name} {subject}").split())
    return line if len(line) <= _HEADING_CHARS else f"{line[: _HEADING_CHARS - 1].rstrip()}…"


def edit_line(edit: model.FileEdit, root: str | None) -> str:
    """Returns what was done to which file, with its path relative to `root`: `Edited src/cart.py +3 -1`."""
    was = f"{path_in_project(edit.old_path, root)} to " if edit.old_path else ""
    sizes = [f"{sign}{count}" for sign, count in (("+", edit.added), ("-", edit.removed)) if count is not None]
    return f"{VERBS[edit.change]} {was}{path_in_project(edit.path, root)} {' '.join(sizes)}".rstrip()


_HEADING: Final = later(r"^( {0,3})(#{1,6})(?=\s)")
_UNDERLINE: Final = later(r"^ {0,3}(?:=+|-+)\s*$")
_MARKUP: Final = later(r"(?P<code>(?<![`\\])(`+)(?!`).+?(?<!`)\2(?!`))|<(?=[A-Za-z/!?])|!\[")
_RISKY: Final = later(r"<[A-Za-z/!?]|!\[|```|~~~")
_MARKUP_CHARS: Final = 20_000  # parsing takes more than linear time for some texts; longer ones are shown as written
_FENCE: Final = later(r"\s*(`{3,}|~{3,})")


_BY_CARRYOVER: Final = " by Carryover; "
_HEAD: Final = later(rf"# [^\n]*\n\n(?:- [^\n]*\n){{0,5}}- Exported [^\n]{{0,60}}{_BY_CARRYOVER}")
WRITTEN: Final = "Written by Carryover from its own record of the session."
"""How the notes of a trajectory begin; other programs write trajectories too."""


def is_session_document(text: str) -> bool:
    """Whether a file is what `session_markdown` or `export/atif.py` wrote."""
    return _HEAD.match(text) is not None or (text.startswith("{") and f'"notes": "{WRITTEN}' in text)


def session_markdown(head: SessionHead, parts: Iterable[Part[CleanText]]) -> Iterator[str]:
    """Yields the lines of the document, without line ends."""
    yield f"# {_inert(quoted_line(head.title or f'Session {head.id}'))}"
    yield ""
    agent = f"{head.agent_name} {head.version}{f' on {head.machine}' if head.machine else ''}"
    facts = {"Agent": agent, "Model": head.model, "Project": head.project, "Branch": head.branch, "Session": head.id}
    yield from (f"- {name}: {code_span(value)}" for name, value in facts.items() if quoted_line(value))
    # A secret in plain prose is not found.
    secrets = "known key patterns are replaced by `[redacted:...]`; read it before you share it"
    yield f"- Exported {_zoned_time(head.exported_ms)}{_BY_CARRYOVER}{secrets}"
    for part in with_speakers(parts, quoted_line(head.agent_name)):
        mark = " (retracted)" if part.retracted else ""
        if part.kind in ("user", "agent"):
            yield from ("", f"## {_inert(part.heading)}{mark} · {_zoned_time(part.at_ms)}")
            yield from ("", *_contained(part.text)) if part.text else ()
            continue
        yield from ("", f"{'✗' if part.failed else '·'} {code_span(part.heading)}{mark}")
        if part.text:
            yield from ("", *fenced(part.text, "diff" if part.is_diff else "").split("\n"))


def _contained(text: CleanText) -> list[str]:
    """Returns the lines of a text as Markdown, or as one code block if HTML or an image would take effect, or the end
    of the text would reach into what follows."""
    shown = "\n".join(_rewritten(text))
    if _RISKY.search(shown) and (len(shown) > _MARKUP_CHARS or _breaks_out(shown)):
        shown = fenced(text)
    return shown.split("\n")


def _breaks_out(text: str) -> bool:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(f"{text}\n\n# What comes after it")
    types = {part.type for token in tokens for part in (token, *(token.children or ()))}
    return tokens[-1].type != "heading_close" or not types.isdisjoint(("html_block", "html_inline", "image"))


def _rewritten(text: CleanText) -> Iterator[str]:
    """Yields the lines of a text with every code block closed, and headings below the document's own."""
    lines = text.split("\n")
    fence = ""
    for line, form in zip(lines, line_forms(lines), strict=True):
        if form == "fence":
            match = _FENCE.match(line)
            opening = match[1] if match is not None else "```"
            fence = "" if fence else opening
        if form != "text":
            yield line
        elif _UNDERLINE.match(line):
            yield f"\\{line.lstrip()}"
        elif heading := _HEADING.match(line):
            yield _inert(f"{heading[1]}{'#' * min(len(heading[2]) + 2, 6)}{line[heading.end() :]}")
        else:
            yield _inert(line)
    if fence:
        yield fence


def _inert(line: str) -> str:
    """Neutralizes HTML and images in one line, outside code spans."""
    return _MARKUP.sub(_escaped, line)


def _escaped(match: re.Match[str]) -> str:
    if match["code"]:
        return match["code"]
    return "&lt;" if match[0] == "<" else "!\\["
