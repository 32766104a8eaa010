"""The names that a conversation mentions (files, symbols, commands, hosts, ids, values, longer words) and how often and
how lately each was mentioned, folded as events arrive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from typing import Final, Literal

from msgspec.structs import replace

from carryover.distill.digest import Name
from carryover.distill.own_text import without_handoffs
from carryover.model import AnyBody, AssistantMessage, FileEdit, ToolCall, ToolResult, UserPrompt
from carryover.records.documents import paths_with_blanks
from carryover.text.pattern import later
from carryover.text.stack import without_deep_frames

_Place = Literal["said", "called", "printed"]
"""Where a name is mentioned: in words of the user or the agent, in a call, or in what a call printed."""

_MOST: Final = 384
_OVERFLOW: Final = 512
"""A thread with more names than this keeps `_MOST` of them."""
_SHORT: Final[Mapping[_Place, int]] = {"said": 4000, "called": 1200, "printed": 600}
"""How many characters of a text are read for names: two thirds from its beginning, the rest from its end."""
AT_LENGTH: Final[Mapping[_Place, int]] = {"said": 12_000, "called": 4000, "printed": 6000}
"""The same where all events are at hand and the names of one text are needed once."""
_LONGEST_TOKEN: Final = 400
_LONGEST: Final = 80
_SHORTEST: Final = 4
_SHORTEST_WORD: Final = 5
_APART: Final = later(r"[^\w@./+~:-]+")
_ROUTED: Final = later(
    r"(?:[\w@.+~:-]|(?<![\])}])/|(?<=/)(?:\([\w.-]{1,80}\)|\[{1,2}[\w.-]{1,80}\]{1,2})(?:/|(?=[.\w])))+"
)
"""A name of which folders may stand in brackets, as in `app/[id]/(tabs)/page.tsx`. What follows other brackets, as in
`{root}/docs/plan.md`, is one without the slash: no file's whole path begins there."""
_AFTER_A_BRACKET: Final = later(r"[\])}][/.\w]")
_FENCE: Final = later(r"^`{3,}[\w+#-]{1,20}:(?=[^:])")
"""The fence of a block of code up to its language, before its file, as Cursor wrote them in 2024."""
_CLOSES: Final = later(r"</(?=[\w.:-]+>)")
"""Begins a closing tag, whose slash makes no path of its name."""
_BLANK: Final = later(r"\s")
_EDGES: Final = ".,:;/+~@-_"
_BEFORE: Final = ",:;+"
"""What is no part of a name at its beginning; `/`, `.`, `--` and `@` are."""


def with_names(names: dict[str, Name], heard: int, body: AnyBody) -> dict[str, Name]:
    """Adds the names of the thread's event number `heard` to `names`; returns them, without those worth least if they
    got too many."""
    note_names(names, heard, body)
    return _kept(names) if len(names) > _OVERFLOW else names


def note_names(names: dict[str, Name], heard: int, body: AnyBody, chars: Mapping[_Place, int] = _SHORT) -> None:
    """Adds the names of event number `heard` to `names`. Of a path with blanks in it, the last part stands for all."""
    place, text = _text_of(body)
    said = place == "said"
    called = place == "called"
    for key, shown in names_in(_ends(text, chars[place])).items():
        known = names.get(key)
        if known is None:
            names[key] = Name(shown, 1, said + 0, called + 0, heard, heard * said, heard * called)
        else:
            names[key] = Name(
                shown if called or "/" in shown else known.shown,
                known.mentions + 1,
                known.said + said,
                known.called + called,
                heard,
                heard if said else known.last_said,
                heard if called else known.last_called,
            )
    for path in _paths_with_blanks(body) if called and " " in text else ():
        if (key := _key(path.rpartition(" ")[2])) in names:
            names[key] = replace(names[key], shown=path)


def _paths_with_blanks(body: AnyBody) -> list[str]:
    match body:
        case ToolCall(op=op, subject=subject):
            return paths_with_blanks(op, subject)
        case FileEdit(path=path):
            return paths_with_blanks("edit", path)
        case _:
            return []


def _text_of(body: AnyBody) -> tuple[_Place, str]:
    match body:
        case UserPrompt(text=text) | AssistantMessage(text=text):
            return "said", without_handoffs(text)
        case ToolCall(subject=text) | FileEdit(path=text):
            return "called", text
        case ToolResult(output=text):
            return "printed", without_deep_frames(without_handoffs(text))
        case _:
            return "said", ""


def _kept(names: Mapping[str, Name]) -> dict[str, Name]:
    """Returns the names without those that were only printed, longest ago, and then without those mentioned least."""
    ranked = [
        (name.said + name.called > 0, name.last + 20 * name.mentions, name.mentions, key) for key, name in names.items()
    ]
    ranked.sort(reverse=True)
    kept = {key for *_, key in ranked[:_MOST]}
    return {key: name for key, name in names.items() if key in kept}


def names_in(text: str) -> dict[str, str]:
    """Returns the names in a text, in order: each as it is compared (the last part of a path, in small letters), and
    as it is written."""
    return dict(chain.from_iterable(map(_names_of, dict.fromkeys(text.split()))))


@lru_cache(maxsize=1 << 12)  # most tokens are the same ones; eight times as many took 9 MB more and no less time
def _names_of(token: str) -> Iterable[tuple[str, str]]:
    if not _SHORTEST <= len(token) <= _LONGEST_TOKEN:
        return ()
    if token.isalpha():  # most tokens are
        return ((token.casefold(), token),) if _SHORTEST_WORD <= len(token) <= _LONGEST else ()
    token = _CLOSES.sub("<", token) if "</" in token else token
    token = _FENCE.sub("", token) if token.startswith("```") else token
    named = _ROUTED.findall if _AFTER_A_BRACKET.search(token) else _APART.split  # which is faster
    parts = [part for part in named(token) if len(part) >= _SHORTEST]
    return tuple([(key, part.rstrip(_EDGES).lstrip(_BEFORE)) for part in parts if (key := _key(part))])


def _key(part: str) -> str:
    last = part.strip(_EDGES).rpartition("/")[2].strip(_EDGES)
    is_name = _SHORTEST <= len(last) <= _LONGEST and (len(last) >= _SHORTEST_WORD or not last.isalpha())
    return last.casefold() if is_name else ""


def _ends(text: str, chars: int) -> str:
    """Returns both ends of a text, each to the end of a token: half a name is none."""
    if len(text) <= chars:
        return text
    return text[: _token_end(text, chars * 2 // 3)] + text[_token_end(text, len(text) - chars // 3) :]


def _token_end(text: str, at: int) -> int:
    found = _BLANK.search(text, at)
    return found.start() if found is not None else len(text)
