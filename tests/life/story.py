"""A story as its TOML file tells it: sessions, steps in order of time, expectations by place. See README.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

STORIES: Final = Path(__file__).with_name("stories")
HEADINGS: Final = (
    "Task",
    "Where it stands",
    "Next action",
    "Open questions",
    "Also in progress",
    "What the user said",
    "Recent files",
    "Failed approaches",
    "Progress log",
    "From the agent's own summary",
    "Git context",
)
PLACES: Final = (*HEADINGS, "header", "first line", "last line", "anywhere")
Ending = Literal["limit", "interrupted", "killed"]
_UNITS: Final = {"s": 1, "min": 60, "h": 3600, "days": 86_400, "day": 86_400}
_DURATION: Final = re.compile(rf"(\d+) ({'|'.join(_UNITS)})")
_NAMED: Final = re.compile(r"\{\{(\w+)\}\}")


class _Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a story. An unknown key is an error, since a misspelt one would expect nothing."""


class Session(_Told, frozen=True):
    """One conversation. `folder` is relative to the main checkout; `machine` names another one that recorded it."""

    agent: str
    folder: str = "."
    machine: str = ""
    forked_from: str = ""


class Call(_Told, frozen=True):
    """One thing in a turn: the first field that is set says which, the others belong to it."""

    says: str | None = None
    edit: str | None = None
    run: str | None = None
    test: str | None = None
    git: str | None = None
    read: str | None = None
    ask: str | None = None
    todo: tuple[str, ...] | None = None
    plan: str | None = None
    refused: str | None = None
    hangs: str | None = None
    queued: str | None = None
    compaction: str | None = None

    text: str | None = None
    adds: str | None = None
    old: str | None = None
    new: str | None = None
    prints: str = ""
    exit: int = 0
    passed: int = 0
    fails: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    answer: str | None = None
    accepted: bool | None = None
    words: str = ""

    @property
    def kind(self) -> str:
        """Which of them it is."""
        [kind] = [name for name in KINDS if getattr(self, name) is not None]
        return kind


KINDS: Final = Call.__struct_fields__[:13]
_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "edit": frozenset(("text", "adds", "old", "new")),
    "run": frozenset(("prints", "exit")),
    "test": frozenset(("passed", "fails")),
    "ask": frozenset(("options", "answer")),
    "plan": frozenset(("accepted",)),
    "refused": frozenset(("words",)),
}


class Share(_Told, frozen=True, rename={"sender": "from"}):
    """What a colleague shared."""

    sender: str
    about: str
    text: str


class Note(_Told, frozen=True):
    """A text from outside, such as a web chat's answer."""

    title: str
    text: str


class Step(_Told, frozen=True):
    """What happens at one time. `later` passes before it."""

    name: str = ""
    later: str = ""
    repeat: int = 1

    session: str = ""
    prompt: str | None = None
    calls: tuple[Call, ...] = ()
    answer: str | None = None
    ends: Ending | None = None
    resets: str = ""
    undo: int = 0

    git: tuple[str, ...] = ()
    files: Mapping[str, str] = {}
    folder: str = "."
    note: Note | None = None
    share: Share | None = None

    @property
    def delay(self) -> timedelta:
        """The time that passes before it, beside the minute between two steps."""
        seconds = sum(int(many) * _UNITS[unit] for many, unit in _DURATION.findall(self.later))
        return timedelta(seconds=seconds)


class Expect(_Told, frozen=True):
    """What stands where, after a step. `given`: to whom the text is given; see README.md."""

    after: str = ""
    checkout: str = "."
    given: str = "file"
    heading: str = "anywhere"
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    line: tuple[tuple[str, ...], ...] = ()
    no_line: tuple[tuple[str, ...], ...] = ()
    first: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    protocol: Literal["asks", "settled"] | None = None
    nothing: bool = False
    why: str = ""


class Story(_Told, frozen=True):
    """A story, with the names in its texts replaced."""

    title: str
    sessions: Mapping[str, Session]
    step: tuple[Step, ...]
    expect: tuple[Expect, ...]
    language: str = "en"
    source: str = ""
    start: str = "2026-11-02T09:00:00Z"
    files: Mapping[str, str] = {}
    texts: Mapping[str, str] = {}


class BadStory(ValueError):
    """The file does not follow README.md."""


def story_at(path: Path) -> Story:
    """Reads a story. Raises BadStory with what is wrong in it."""
    told = tomllib.loads(path.read_text("utf-8"))
    texts = told.get("texts", {})
    try:
        told["step"] = [one for step in told.get("step", []) for one in _repeated(step, texts)]
        told["step"] = [{**step, "git": _listed(step.get("git", []))} for step in told["step"]]
        story = msgspec.convert(_filled(told, texts), Story)
    except (msgspec.ValidationError, KeyError) as error:
        raise BadStory(f"{path.name}: {error}") from error
    if problems := list(_problems(story)):
        raise BadStory(f"{path.name}: {'; '.join(problems)}")
    return story


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _repeated(step: dict[str, Any], texts: Mapping[str, str]) -> Iterator[Any]:
    many = step.pop("repeat", 1)
    for number in range(1, many + 1):
        later = step if number == 1 else {key: value for key, value in step.items() if key != "later"}
        last = later if number == many else {key: value for key, value in later.items() if key != "name"}
        yield _filled(last, {**texts, "n": str(number)})


def _filled(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        while (filled := _NAMED.sub(lambda found: texts[found[1]], value)) != value:
            value = filled
        return value
    if isinstance(value, dict):
        return {key: _filled(each, texts) for key, each in value.items()}
    return [_filled(each, texts) for each in value] if isinstance(value, list) else value


def _problems(story: Story) -> Iterator[str]:
    names = [step.name for step in story.step if step.name]
    for name, session in story.sessions.items():
        if session.forked_from and session.forked_from not in story.sessions:
            yield f"session {name} is forked from {session.forked_from!r}, which is not a session"
    for number, step in enumerate(story.step, 1):
        yield from (f"step {number}: {problem}" for problem in _problems_of_step(step, story))
    for number, expect in enumerate(story.expect, 1):
        yield from (f"expectation {number}: {problem}" for problem in _problems_of_expect(expect, story, names))


def _problems_of_step(step: Step, story: Story) -> Iterator[str]:
    if step.session and step.session not in story.sessions:
        yield f"{step.session!r} is not a session"
    if step.later and _DURATION.sub("", step.later).strip():
        yield f"{step.later!r} is not a time such as '20 min' or '1 day'"
    said = step.prompt is not None or step.answer is not None
    if not step.session and (said or step.calls or step.ends or step.undo):
        yield "it names no session"
    machine = story.sessions[step.session].machine if step.session in story.sessions else ""
    for call in step.calls:
        if machine and (call.git or call.read):
            yield "the files of another machine are not here: no git and read there"
        given = {name for name in Call.__struct_fields__ if getattr(call, name) != getattr(_EMPTY, name)}
        kinds = [name for name in KINDS if name in given]
        if len(kinds) != 1:
            yield f"a call must have one of {', '.join(KINDS)}, not {' and '.join(kinds) or 'none'}"
        elif unknown := given - {kinds[0]} - _OF_KIND.get(kinds[0], frozenset()):
            yield f"{kinds[0]!r} takes no {', '.join(sorted(unknown))}"


def _problems_of_expect(expect: Expect, story: Story, names: list[str]) -> Iterator[str]:
    if expect.after and names.count(expect.after) != 1:
        yield f"there must be one step named {expect.after!r}"
    if expect.heading not in PLACES:
        yield f"{expect.heading!r} is none of {', '.join(PLACES)}"
    kind, _, session = expect.given.partition(" ")
    if kind not in ("file", "start", "resume", "compact") or (session and session not in story.sessions):
        yield f"{expect.given!r} is neither file nor start nor 'resume SESSION' nor 'compact SESSION'"
    if expect == msgspec.structs.replace(
        Expect(), after=expect.after, checkout=expect.checkout, given=expect.given, heading=expect.heading
    ):
        yield "nothing is expected"


_EMPTY: Final = Call()
