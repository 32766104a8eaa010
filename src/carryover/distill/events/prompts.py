"""What the user typed: it begins a turn, may set a goal, decide, answer, ask, or take work back."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip, clip_middle
from carryover.distill.digest import MOST_FAILURES, MOST_PENDING, Digest, Failure, Pending, Prompt, Turn
from carryover.distill.events.turns import begin, close
from carryover.distill.language import lexicon
from carryover.distill.language.forms import is_question, is_yes
from carryover.distill.language.machine_lines import printed_part
from carryover.distill.language.names import names_in, weighty_words
from carryover.distill.language.own_words import OwnWords, own_words
from carryover.distill.language.prose import one_line, sentences, word_count
from carryover.distill.language.rules import rules_in
from carryover.distill.language.templates import is_bare
from carryover.distill.language.tongue import tongue_of
from carryover.distill.own_text import only_points_at_handoff
from carryover.distill.tool_failures import takes_back, why
from carryover.model import Event, QueuedPrompt, UserPrompt
from carryover.text import lazy_re as re

_LONGEST_PROMPT: Final = 1500
_SURE_OF_TONGUE: Final = 5
_OBSERVATION: Final = re.compile(r"(.{2,160}?)\s*(?:-{1,2}>|={1,2}>|→|⇒)\s*(.{2,160})")
_OBSERVATION_WORDS: Final = 16
_ONLY_MARKS: Final = re.compile(r"\s*[!-/:-@\[-`{-~][\s!-/:-@\[-`{-~]{0,9}")
"""Nothing but punctuation ("^", "..."): points at what was said before."""
_FAULT: Final = re.compile(
    r"\b[45]\d\d\b|\bnot found\b|\b\w*(?:error|exception)\b"
    r"|\b(?:fail(?:s|ed|ure)?|refused|denied|time[ds]? ?out|crash\w*)\b",
    re.I,
)
"""As programs say it, in English everywhere."""


def prompt(digest: Digest, event: Event, body: UserPrompt) -> Digest:
    """A new turn begins, and the one before it becomes a line of progress."""
    if body.actor != "human":
        return digest
    if only_points_at_handoff(body.text) or (_ONLY_MARKS.fullmatch(body.text) and not body.attachments):
        return _resuming(digest, event)
    typed = _typed(digest, body.text)
    if not (typed.text or typed.pasted or body.command or body.attachments):
        return digest
    turn = Turn(
        session=event.session,
        number=digest.prompts + 1,
        at_ms=event.at_ms,
        last_ms=event.at_ms,
        prompt=_read(typed.text, typed.pasted, body.command),
        rules=() if is_bare(typed.text) else rules_in(typed.text),
    )
    digest = close(digest)
    return replace(
        begin(digest, turn),
        prompts=digest.prompts + 1,
        ending=None,
        calls=(),
        proposal=None,
        questions=(),
        queued=tuple(waiting for waiting in digest.queued if waiting.text != one_line(body.text)),
        failures=_failures_after(digest, turn, typed),
        tongue=(tongue_of(typed.text) if turn.prompt.words >= _SURE_OF_TONGUE else None) or digest.tongue,
    )


def _typed(digest: Digest, text: str) -> OwnWords:
    """What the user typed. A line of an error in English, by somebody who writes in another language, was pasted."""
    typed = own_words(text)
    foreign = digest.tongue not in (None, "en") and tongue_of(typed.text) == "en"
    if foreign and not typed.pasted and "\n" not in typed.text and why(typed.text, only_telling=True):
        return OwnWords(text="", pasted=typed.text)
    return typed


def _resuming(digest: Digest, event: Event) -> Digest:
    """A prompt that only points at the handoff, or at what was said: a turn without any text by the user."""
    turn = Turn(
        session=event.session,
        number=digest.prompts + 1,
        at_ms=event.at_ms,
        last_ms=event.at_ms,
        prompt=Prompt(text="continue", words=1),
    )
    digest = close(digest)
    return replace(begin(digest, turn), prompts=digest.prompts + 1, ending=None, calls=(), proposal=None)


def _read(text: str, pasted: str, command: str | None) -> Prompt:
    if is_yes(text):
        command = None  # a go-ahead, in whatever mode of the client
    shown = f"{command} {text}".strip() if command else text
    said = sentences(text)
    return Prompt(
        text=clip_middle(shown, chars=_LONGEST_PROMPT, tail_share=0.3),
        words=word_count(shown),
        names=names_in(text),
        asks=bool(said) and is_question(said[-1]),
        command=command,
        pasted=clip(why(pasted, only_telling=True) or one_line(pasted), chars=200) if pasted else "",
    )


def queued(digest: Digest, event: Event, body: QueuedPrompt) -> Digest:
    """Words that wait until the agent is free, or that were withdrawn before."""
    text = one_line(body.text)
    others = tuple(waiting for waiting in digest.queued if waiting.text != text)
    if body.change == "withdrawn":
        return replace(digest, queued=others)
    waiting = Pending(id=event.key, text=clip(text, chars=600), at_ms=event.at_ms, turn=digest.prompts)
    return replace(digest, queued=(*others, waiting)[-MOST_PENDING:])


def _observed(text: str) -> str:
    """The line of a prompt that is nothing else but what was called and the error that came of it ("GET /a -> 500")."""
    line = one_line(text)
    match = _OBSERVATION.fullmatch(line) if word_count(line) <= _OBSERVATION_WORDS else None
    return line if match is not None and names_in(match[1]) and _FAULT.search(match[2]) else ""


def _failures_after(digest: Digest, turn: Turn, typed: OwnWords) -> tuple[Failure, ...]:
    """What the user takes back has failed too; so has what the user pasted or wrote an error of."""
    failures = digest.failures
    last = digest.turn
    if last is not None and (taken_back := _taken_back(digest, last, turn)) is not None:
        failures = (*failures, taken_back)
    printed = why(printed_part(typed.pasted), only_telling=True) if typed.pasted else ""
    if error := printed or _observed(typed.text or typed.pasted):
        reported = Failure(
            tried="reported by the user",
            why=clip(error, chars=180),
            at_ms=turn.at_ms,
            signature=f"pasted:{error[:80]}",
            turn=turn.number,
        )
        failures = (*(f for f in failures if f.signature != reported.signature), reported)
    return failures[-MOST_FAILURES:]


def _meant(digest: Digest, last: Turn, text: str) -> Turn:
    """The turn whose work is taken back: the one that shares most words with what the user says, the newest of equals;
    where none does, the newest that changed anything."""
    words = weighty_words(text)
    acted = [turn for turn in reversed(digest.turns) if turn.edited or turn.changed]
    named = [turn for turn in acted if turn.edited and words & weighty_words(turn.prompt.text)]
    if named:
        return max(named, key=lambda turn: len(words & weighty_words(turn.prompt.text)))
    if last.edited or last.end == "answered":
        return last
    return next((turn for turn in acted if turn.edited), last)


def _taken_back(digest: Digest, last: Turn, turn: Turn) -> Failure | None:
    """What the agent did, where the user takes it back, or stopped it and says what not to do."""
    text = one_line(turn.prompt.text)
    if weighty_words(last.prompt.text) == weighty_words(text):
        return None  # asked again, as it was
    if last.end == "interrupted" and lexicon.PROHIBITION.search(text):
        tried, what = last.doing or one_line(last.prompt.text), "stopped it"
    elif takes_back(text):
        tried, what = one_line(_meant(digest, last, text).prompt.text), "took it back"
    else:
        return None
    return Failure(
        tried=clip(tried, chars=120),
        why=f"the user {what}: {clip(text, chars=140)}",
        at_ms=turn.at_ms,
        signature=f"undone:{turn.at_ms}",
        turn=turn.number,
        undone=True,
    )
