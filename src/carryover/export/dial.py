"""Fills a budget above the pushed one: the pushed sections, then the conversation from its end backwards. Pure.

Nothing is repeated that stands above or comes again later, so the result holds more than a dump of the same size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover import model
from carryover.distill.commands import looks_at_ours
from carryover.distill.digest import Name, not_typed
from carryover.distill.entry import TYPED, Entry, EntryKind, Section
from carryover.distill.forms import filled_in
from carryover.distill.handoff import MAX_TOKENS, Handoff
from carryover.distill.names import AT_LENGTH, names_in, note_names
from carryover.distill.own_text import only_points_at_handoff, without_handoffs, without_mark
from carryover.distill.pastes import parts, quoted_prompt
from carryover.distill.quotes import (
    LINE_BREAK,
    called,
    clip,
    clip_middle,
    earlier,
    estimated_tokens,
    in_code,
    lines_of,
    pieces,
    quoted,
)
from carryover.distill.render import lay_out
from carryover.distill.sections.quoting import from_session, from_turn
from carryover.distill.sections.recent_calls import is_on_disk, out_of_date, still_so
from carryover.distill.sections.recent_files import relative
from carryover.distill.trail import Past
from carryover.distill.view import SessionView
from carryover.distill.worth import InPlay, in_play, without_jobs
from carryover.export.session_parts import TURN_ENDS, VERBS
from carryover.records.text import names_handoff_file
from carryover.text.harmless import one_line
from carryover.text.pattern import later
from carryover.text.stack import MOST_FRAMES, is_frame

CONVERSATION_TITLE: Final = "Conversation"
_PUSHED: Final = (0,)
_BEGINNING: Final = (1,)
"""The ranks of the lines of the handoff that is pushed, and of the beginnings of the newest prompts."""
_BEGINNINGS_SHARE: Final = 0.2
"""Share of the room that belongs to the beginnings of the newest prompts."""
_READ_BEYOND: Final = 72_000
"""How many tokens of the conversation are read beyond those that fit, to choose from. Twice as many take twice the
time, and hold no more of what real sessions went on to need."""
_MOST_PRINTED: Final = 8000
_OF_A_PASTE: Final = later(r"(?:pasted|the agent's plan, accepted), [\d,]{1,12} characters:")
"""The line above a paste, which is shown even if a part of the paste is not."""
_PRINTED: Final = ("edit", "call")
"""Of these, a program wrote the text: a line of it says something if it names something new."""
_OLDER_CHARS: Final = 160
_SUBJECT_CHARS: Final = 200
_LABEL_CHARS: Final = 230
_SAME_FROM_CHARS: Final = 24
"""A shorter line may be said twice: it may answer something else."""
_NAME: Final = later(r"(?<![\w.@/-])[\w.@/-]*\w{3,}|\d+")
_SENTENCE: Final = later(r"[A-Z][a-z]{1,20}(?: [a-z]{1,20}){1,5}\.?")
"""What stands in place of a search's results: `No files found`."""
_LEFT_OUT: Final = "…"
_SAID_ELSEWHERE: Final = "… (quoted elsewhere)"
_ELSEWHERE_CHARS: Final = 60
"""So much of such a prompt is said again, so that the answer to it can be followed."""
_BECAME: Final = "→"
"""Stands alone between the end of a long command and what that printed."""


class Happened(msgspec.Struct, frozen=True):
    """An event of a session's main conversation, and the number of its turn. `at_ms` is in UTC ms."""

    view: SessionView
    turn: int
    at_ms: int
    body: model.AnyBody


def dialed(handoff: Handoff, past: Past | None, newest_first: Iterable[Happened], tokens: int) -> Handoff:
    """Returns the handoff for a budget of `tokens`: all that the pushed one shows, and what is worth most of the
    conversation. Reads at most `_READ_BEYOND` tokens more of it than fit."""
    if tokens <= MAX_TOKENS or past is None:
        return replace(handoff, tokens=tokens)
    pushed = _pushed(handoff)
    above = [entry for section in pushed for entry in section.entries]
    entries, names = _conversation(past, above, newest_first, tokens)
    return replace(
        handoff, tokens=tokens, sections=(*pushed, Section(CONVERSATION_TITLE, tuple(entries))), names=(*names.items(),)
    )


def second_page(handoff: Handoff, past: Past, newest_first: Iterable[Happened]) -> Handoff:
    """Returns what is worth most of the conversation and is not in the pushed handoff, for the budget of its depth."""
    above = [entry for section in _pushed(handoff) for entry in section.entries]
    entries, names = _conversation(past, above, newest_first, handoff.depth)
    held = names_in("\n".join(entry.shown for entry in above))
    missing = tuple((key, name) for key, name in names.items() if key not in held)
    return replace(
        handoff, tokens=handoff.depth, sections=(Section(CONVERSATION_TITLE, tuple(entries)),), names=missing
    )


def _pushed(handoff: Handoff) -> list[Section]:
    return [
        Section(title, tuple(replace(entry, rank=_PUSHED) for _, entry in shown if entry.kind != "names"))
        for title, shown in lay_out(handoff)
    ]


def _conversation(
    past: Past, above: Sequence[Entry], newest_first: Iterable[Happened], tokens: int
) -> tuple[list[Entry], dict[str, InPlay]]:
    """Returns what was said and done and does not stand above, in order of time, and the names in it."""
    read: list[Happened] = []
    quotes = [*_newest(past, newest_first, _Unsaid(above), read, tokens + _READ_BEYOND)]
    names: dict[str, Name] = {}
    for heard, event in enumerate(reversed(read)):
        note_names(names, heard + 1, event.body, AT_LENGTH)
    names = without_jobs(names, {event.body.task_id for event in read if isinstance(event.body, model.BackgroundTask)})
    entries = [*_older(past, above, quotes), *(entry for quote in reversed(quotes) for entry in quote)]
    asked_last = {(event.view.session, event.turn) for event in read if _is_asked_below_a_paste(event.body)}
    return _with_beginnings(entries, asked_last, int(tokens * _BEGINNINGS_SHARE)), in_play(names, len(read))


def _is_asked_below_a_paste(body: model.AnyBody) -> bool:
    if not isinstance(body, model.UserPrompt) or filled_in(body.typed) is not None:
        return False
    marked = parts(body.typed)
    return len(marked) > 1 and not marked[-1][0]


def _with_beginnings(entries: list[Entry], asked_last: set[tuple[str, int]], room: int) -> list[Entry]:
    """Returns the same lines; the beginnings of the newest prompts that fit `room` are fixed, and the ends of those in
    which the user's words are below a paste."""
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        is_end = entry.part == entry.parts - 1 and (entry.session, entry.turn) in asked_last
        if entry.kind == "prompt" and (entry.part == 0 or is_end):
            room -= _cost(entry)
            if room >= 0:
                entries[index] = replace(entry, rank=_BEGINNING)
    return entries


def _newest(
    past: Past, newest_first: Iterable[Happened], unsaid: _Unsaid, read: list[Happened], room: int
) -> Iterator[list[Entry]]:
    """Yields the quote of each event until `room` tokens were read. Of an edit whose lines later ones all took out
    again, nothing is shown but that it was made."""
    taken_out: set[tuple[str, str]] = set()
    for event in newest_first:
        read.append(event)
        quote = _quote(past, event)
        if quote is None:
            continue
        if isinstance(edit := event.body, model.FileEdit):
            if taken_out.issuperset((edit.path, line) for line in quote.text.splitlines() if line.strip()):
                quote = replace(quote, text="")
            taken_out |= {(edit.path, line[1:]) for line in edit.diff.splitlines() if line.startswith("-")}
        entries = _in_parts(quote, unsaid.of(quote))
        yield entries
        room -= sum(map(_cost, entries))
        if room <= 0:
            return


def _cost(entry: Entry) -> int:
    return estimated_tokens(f"- {'> ' + entry.text if entry.part else entry.shown}\n")


def _older(past: Past, above: Sequence[Entry], quotes: Sequence[Sequence[Entry]]) -> list[Entry]:
    """Returns the beginnings of the prompts before, of turns that neither the lines above nor the quotes show."""
    shown = {(entry.session, entry.turn) for line in above for entry in line.sources}
    shown |= {(entry.session, entry.turn) for quote in quotes for entry in quote if entry.kind == "prompt"}
    steps = [step for step in past.steps if step.turn.prompt and (step.view.session, step.turn.number) not in shown]
    return [
        from_turn(
            step,
            quoted_prompt(step.turn.prompt, _OLDER_CHARS, chars=step.turn.chars, mark=step.turn.pasted).replace(
                "\n", LINE_BREAK
            ),
            "prompt",
            label=_prompt_label(past, step.view, step.turn.number, step.turn.at_ms),
        )
        for step in steps
    ]


def _in_parts(quote: Entry, text: str) -> list[Entry]:
    """Returns the entries of a quote of which `text` is left."""
    lines = pieces(text, beside=len(quote.label), printed=quote.kind in _PRINTED)
    whole = replace(quote, text="")
    return [replace(quote, text=line, part=number, parts=len(lines)) for number, line in enumerate(lines)] or [whole]


class _Unsaid:
    """Leaves out of texts what stands in the lines above, or was in a text before, which came later in time.

    >>> unsaid = _Unsaid([])
    >>> answer = Entry(kind="message", label="Pi (turn 2)", text="Prices are whole cents in cart.py.")
    >>> unsaid.of(answer), unsaid.of(answer)
    ('Prices are whole cents in cart.py.', '…')
    """

    def __init__(self, above: Iterable[Entry]) -> None:
        self._above = _squeezed("".join(entry.text for entry in above))
        self._lines: set[str] = set()
        self._names: set[str] = set()

    def of(self, quote: Entry) -> str:
        """Returns the lines of the quote that say something new, with a mark where others are left out."""
        kept: list[str] = []
        printed = quote.kind in _PRINTED
        text = clip_middle(quote.text, chars=_MOST_PRINTED) if printed else quote.text
        frames = 0
        lines = lines_of(text, printed=printed)
        for line in lines:
            frames = frames + 1 if is_frame(line) else 0
            is_mark = _OF_A_PASTE.fullmatch(line) is not None or (printed and line == _BECAME)
            if is_mark or (frames <= MOST_FRAMES and self._is_new(line, printed)):
                kept.append(line)
            elif kept[-1:] != [_LEFT_OUT]:
                kept.append(_LEFT_OUT)
        if printed:
            return "\n".join(kept) if {*kept} - {_LEFT_OUT, _BECAME} else ""
        more = (line for line in kept if len(line) >= _SAME_FROM_CHARS and not _OF_A_PASTE.fullmatch(line))
        says_more = _LEFT_OUT not in kept or any(more)
        if says_more:
            return "\n".join(kept)
        if quote.kind != "prompt":
            return _LEFT_OUT
        beginning = clip(lines[0], chars=_ELSEWHERE_CHARS, tokens=_ELSEWHERE_CHARS // 4) if lines else ""
        is_whole = (beginning,) == tuple(lines)
        return beginning if is_whole else f"{beginning.removesuffix(_LEFT_OUT)} {_SAID_ELSEWHERE}".lstrip()

    def _is_new(self, line: str, printed: bool) -> bool:
        if len(line) >= _SAME_FROM_CHARS:
            if line in self._lines or _squeezed(line) in self._above:
                return False
            self._lines.add(line)
        if not printed:
            return True
        names = set(_NAME.findall(line)) - self._names
        self._names |= names
        return bool(names)


def _squeezed(text: str) -> str:
    """Returns a text as it is found again, however it was parted into lines: without spaces, and as `render` has it."""
    return "".join(text.split()).replace("<", "‹")


def _quote(past: Past, event: Happened) -> Entry | None:
    """Returns what an event says or shows, whole; None for one that says nothing, or that other lines show better."""
    view = event.view
    turn = f"{past.turn(event.turn, view)}{view.where}"
    agent = past.names.get(view.agent, view.agent)
    said = partial(_said, event)
    match event.body:
        case model.UserPrompt(actor="human") as prompt if not only_points_at_handoff(prompt.text):
            label = _prompt_label(past, view, event.turn, event.at_ms)
            typed = without_handoffs(prompt.typed)
            quote = said("prompt", label, _with_pastes_marked(typed, prompt.accepts_plan))
            return quote if any(pasted for pasted, _ in parts(typed)) else replace(quote, alone=TYPED)
        case model.AssistantMessage(text=text):
            return said("message", f"{agent} ({turn})", without_mark(without_handoffs(text)))
        case model.Question(text=text, options=options):
            return said("question", f"{agent} asked ({turn})", "\n".join((text, *options)))
        case model.Answer(text=text):
            return said("reply", f"Answered ({turn})", text)
        case model.PlanProposal(text=text) if text:
            return said("plan", f"{agent}'s plan ({turn})", text)
        case model.BackgroundTask(report=report, label=label, state=state) if report:
            return said("job", f"In the background, {state}: {quoted(label)} ({turn})", without_handoffs(report))
        case model.TurnEnd(reason=reason, message=message):
            return said("ending", f"{TURN_ENDS[reason]} ({turn})", message)
        case model.FileEdit(path=path, change=change, diff=diff) if not names_handoff_file(path):
            added = "\n".join(line[1:] for line in diff.splitlines() if line.startswith("+"))
            name = relative(path, past.view.root) or path
            return said("edit", f"{VERBS[change]} {in_code(name)} ({turn})", added)
        case model.ToolResult() as result:
            return _call(past, result, turn, event)
        case _:
            return None


def _said(event: Happened, kind: EntryKind, label: str, text: str) -> Entry:
    label = clip(one_line(label), chars=_LABEL_CHARS)
    return from_session(event.view, event.turn, text, kind, label=label, at_ms=event.at_ms)


def _call(past: Past, result: model.ToolResult, turn: str, event: Happened) -> Entry | None:
    """Returns a call and its output; None for an edit that was made, which is shown as one."""
    is_file = result.op in ("read", "edit", "write")
    is_shown_edit = is_file and result.op != "read" and result.status == "ok"
    if is_shown_edit or looks_at_ours(result):
        return None
    path = relative(result.subject, past.view.root) if is_file else None
    what = (path or result.subject).replace("`", "").strip()
    status = "" if result.status in ("ok", "unknown") else f" → {result.status}"
    since = out_of_date(result, event.at_ms, past.view)
    shows_nothing = is_on_disk(result, past.view.root) or (result.op == "search" and _finds_nothing(result.output))
    output = "" if shows_nothing else without_handoffs(still_so(result, since, event.at_ms, past.view))
    rest = what[_SUBJECT_CHARS:]
    if rest:
        what = f"{what[:_SUBJECT_CHARS]}{_LEFT_OUT}"
        output = f"{_LEFT_OUT}{rest}\n{_BECAME}\n{output}"
    about = f"`{what}`" if what else ""
    place = ", ".join(filter(None, (turn, since)))
    shown = about if result.op == "shell" and what else called(result.name, about)
    label = f"{shown}{status} ({place})"
    if result.user_words:
        return _said(event, "refusal", f"On refusing {label}", result.user_words)
    return _said(event, "call", label, output)


def _finds_nothing(output: str) -> bool:
    """Whether a search found nothing, which does not say that there is nothing: what it was narrowed to is not
    recorded."""
    return _SENTENCE.fullmatch(output.strip()) is not None


def _prompt_label(past: Past, view: SessionView, number: int, at_ms: int) -> str:
    to = "" if view.agent == past.lead.agent else f" to {past.names.get(view.agent, view.agent)}"
    place = (f"{past.turn(number, view)}{view.where}", earlier(at_ms, past.at_ms))
    return f"Prompt{to} ({', '.join(filter(None, place))})"


def _with_pastes_marked(prompt: str, accepts_plan: bool) -> str:
    mark = not_typed(accepts_plan=accepts_plan)
    shown = (
        f"{mark}, {len(text):,} characters:\n{clip_middle(text, chars=_MOST_PRINTED)}" if pasted else text
        for pasted, text in parts(prompt)
    )
    return "\n".join(shown)
