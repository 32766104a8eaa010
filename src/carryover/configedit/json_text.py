"""Our hooks in an agent's JSON settings. Pure: bytes in, bytes out, every other byte kept.

The layout is Claude Code's (1.0.38 to 2.1.328):

    {"hooks": {"<event>": [{"matcher": "...", "hooks": [{"type": "command", "command": "...", "timeout": 5}]}]}}

The client may rewrite the file with its keys sorted (2.1.328, once, where `~/.claude.json` turns updates off), and a
person may move hooks about. So ours are found by what they say, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from carryover.configedit.json_document import (
    Container,
    Layout,
    Refused,
    added,
    document,
    in_words,
    inside,
    layout_of,
    line_of,
    own_line,
    read,
    removed,
    replaced,
)
from carryover.configedit.stub_line import Whose, WhoseIs

__all__ = [
    "FoundHook",
    "Hook",
    "Origin",
    "Refused",
    "hooks_of",
    "origin_of",
    "switched_off",
    "with_hooks",
    "without_hooks",
]

_BOM: Final = b"\xef\xbb\xbf"
_HOOKS: Final = "hooks"


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One hook as it should stand in the settings."""

    event: str
    command: str
    matcher: str | None = None
    """None: no matcher is written."""
    timeout_s: int | None = None
    """None leaves the agent's own."""


class FoundHook(msgspec.Struct, frozen=True, kw_only=True):
    """A command hook as it stands in the settings; `hook` is what it says as far as we would say it."""

    hook: Hook
    whose: Whose
    line: int
    """From 1."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was there before our hooks came, where the text that holds them cannot tell it any more.

    `missing`: there was no file. `blank`: the file held only this white space. `empty`: what held nothing, as `hooks`
    or `hooks.<event>`. Where it is not known (`UNKNOWN`), what our hooks leave empty goes with them.
    """

    missing: bool = False
    blank: str | None = None
    empty: tuple[str, ...] = ()


UNKNOWN: Final = Origin()


def with_hooks(data: bytes | None, wanted: Sequence[Hook], whose: WhoseIs, origin: Origin = UNKNOWN) -> bytes:
    """The settings with exactly `wanted`, one or more and one an event, as our hooks; None stands for a missing file.

    What is right stays untouched, what differs is replaced where it stands, what is missing is appended, and ours that
    are not wanted go. Where a person has edited our line for an event, that line has to do. `origin` matters only
    where hooks of ours are there already.

    Raises:
        Refused: it is not strict JSON in UTF-8, or `hooks` is not laid out as above.
    """
    bom, text = _decoded(data or b"")
    if not text.strip():
        return bom + _encoded(document({_HOOKS: {hook.event: [_group(hook)] for hook in wanted}}))
    _check(text, wanted)
    layout = layout_of(text)
    for hook in wanted:
        text = _with_hook(text, hook, whose, layout)
    return bom + _encoded(_without_ours(text, whose, origin, keep=wanted))


def without_hooks(data: bytes, whose: WhoseIs, origin: Origin = UNKNOWN) -> bytes | None:
    """The settings without our hooks, and without what is empty only for that; None when the file should go too.

    The inverse of `with_hooks`, given the `origin_of` what `with_hooks` was given.

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    bom, text = _decoded(data)
    if text.strip():
        text = _without_ours(text, whose, origin)
        if read(text).items or not (origin.missing or origin.blank is not None):
            return bom + _encoded(text)
        text = origin.blank or ""
    return None if origin.missing else bom + _encoded(text)


def origin_of(data: bytes | None, whose: WhoseIs, known: Origin | None = None) -> Origin:
    """What to remember before `with_hooks(data)`; `known` is what was remembered when our hooks in `data` came.

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    if data is None:
        return Origin(missing=True)
    text = _decoded(data)[1]
    if not text.strip():
        return Origin(blank=text)
    before = known if known is not None and next(_ours(text, whose), None) else Origin()
    empty = (*before.empty, *(place for place in _empty_places(text) if place not in before.empty))
    return msgspec.structs.replace(before, empty=empty)


def hooks_of(data: bytes, whose: WhoseIs) -> tuple[FoundHook, ...]:
    """Every command hook in the settings, in their order.

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    text = _decoded(data)[1]
    if not text.strip():
        return ()
    return tuple(
        FoundHook(hook=place.hook, whose=whose(place.hook.command), line=line_of(text, place.at))
        for place in _places(text)
    )


def switched_off(data: bytes) -> bool:
    """Whether the settings switch all hooks off (`disableAllHooks`, Claude Code 1.0.68 and later).

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    text = _decoded(data)[1]
    return bool(text.strip()) and {i.key: i.value for i in read(text).items}.get("disableAllHooks") is True


class _Place(msgspec.Struct, frozen=True):
    """Where a command hook stands: on each level the container, the number of the item in it, and what it is called.

    The levels are the document, its events, an event's groups, and a group's commands.
    """

    hook: Hook
    at: int
    path: tuple[tuple[Container, int, str], ...]


def _decoded(data: bytes) -> tuple[bytes, str]:
    bom = _BOM if data.startswith(_BOM) else b""
    try:
        return bom, data[len(bom) :].decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, len(bom) + error.start) + 1
        raise Refused(f"it is not UTF-8 text (line {line})") from error


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Refused("a path in our hooks cannot be written as UTF-8") from error


def _group(hook: Hook) -> dict[str, Any]:
    command: dict[str, Any] = {"type": "command", "command": hook.command}
    if hook.timeout_s is not None:
        command["timeout"] = hook.timeout_s
    return ({} if hook.matcher is None else {"matcher": hook.matcher}) | {_HOOKS: [command]}


def _check(text: str, wanted: Sequence[Hook]) -> None:
    """Refuses what has no place for the hooks: what the agent itself takes for a mistake, and what says two things."""
    hooks = _only(text, read(text), _HOOKS)
    if hooks is None:
        return
    if not isinstance(hooks[1], dict):
        raise Refused(f'"hooks" (line {line_of(text, hooks[0])}) is {in_words(hooks[1])} instead of an object')
    events = inside(text, hooks[0])
    for hook in wanted:
        event = _only(text, events, hook.event)
        if event is not None and not isinstance(event[1], list):
            where = f'"hooks"."{hook.event}" (line {line_of(text, event[0])})'
            raise Refused(f"{where} is {in_words(event[1])} instead of a list")


def _only(text: str, container: Container, key: str) -> tuple[int, Any] | None:
    """Place and value of the member of that name."""
    found = [item for item in container.items if item.key == key]
    if len(found) > 1:
        raise Refused(f'"{key}" is there twice (lines {", ".join(str(line_of(text, i.start)) for i in found)})')
    return (found[0].value_start, found[0].value) if found else None


def _with_hook(text: str, hook: Hook, whose: WhoseIs, layout: Layout) -> str:
    """The text with one hook, in a document that `_check` has passed."""
    root = read(text)
    number = _number(root, _HOOKS)
    if number is None:
        return added(text, root, _HOOKS, {hook.event: [_group(hook)]}, layout, "")
    events = inside(text, root.items[number].value_start)
    outer = own_line(text, root, number)
    number = _number(events, hook.event)
    if number is None:
        return added(text, events, hook.event, [_group(hook)], layout, outer)
    groups = inside(text, events.items[number].value_start)
    present = [place for place in _places(text) if place.hook.event == hook.event]
    mine = [place for place in present if whose(place.hook.command) == "ours"]
    if any(place.hook == hook for place in mine) or any(whose(p.hook.command) == "edited" for p in present):
        return text
    for place in mine:
        if len(place.path[-1][0].items) == 1:  # nobody else's in that group
            return replaced(text, groups, place.path[-2][1], _group(hook), layout)
    return added(text, groups, None, _group(hook), layout, own_line(text, events, number))


def _number(container: Container, key: str) -> int | None:
    return next((number for number, item in enumerate(container.items) if item.key == key), None)


def _without_ours(text: str, whose: WhoseIs, origin: Origin, keep: Sequence[Hook] = ()) -> str:
    """The text without our hooks, but for the first that says what one of `keep` says."""
    while True:
        kept: set[Hook] = set()
        for place in _ours(text, whose):
            if place.hook not in keep or place.hook in kept:
                break
            kept.add(place.hook)
        else:
            return text
        text = _without_place(text, place, origin)


def _without_place(text: str, place: _Place, origin: Origin) -> str:
    """Takes a hook out, and with it what held nothing else and is not known to have stood empty before."""
    path = list(place.path)
    while len(path) > 1 and len(path[-1][0].items) == 1 and path[-2][2] not in origin.empty:
        path.pop()
    container, number, _ = path[-1]
    return removed(text, container, number)


def _ours(text: str, whose: WhoseIs) -> Iterator[_Place]:
    return (place for place in _places(text) if whose(place.hook.command) == "ours")


def _empty_places(text: str) -> Iterator[str]:
    for hooks in (item for item in read(text).items if item.key == _HOOKS):
        if hooks.value == {}:
            yield _HOOKS
        if isinstance(hooks.value, dict):
            yield from (f"{_HOOKS}.{event}" for event, groups in hooks.value.items() if groups == [])


def _places(text: str) -> Iterator[_Place]:
    """Every command hook, in the order of the text. Whatever is laid out otherwise holds none."""
    root = read(text)
    for at_hooks, hooks in enumerate(root.items):
        if hooks.key != _HOOKS or not isinstance(hooks.value, dict):
            continue
        events = inside(text, hooks.value_start)
        for at_event, event in enumerate(events.items):
            if not isinstance(event.value, list):
                continue
            above = ((root, at_hooks, _HOOKS), (events, at_event, f"{_HOOKS}.{event.key}"))
            yield from _places_in(text, inside(text, event.value_start), event.key or "", above)


def _places_in(
    text: str, groups: Container, event: str, above: tuple[tuple[Container, int, str], ...]
) -> Iterator[_Place]:
    for at_group, group in enumerate(groups.items):
        if not isinstance(group.value, dict):
            continue
        for member in inside(text, group.value_start).items:
            if member.key != _HOOKS or not isinstance(member.value, list):
                continue
            commands = inside(text, member.value_start)
            for number, item in enumerate(commands.items):
                hook = _hook(event, group.value, item.value)
                if hook is not None:
                    yield _Place(hook, item.start, (*above, (groups, at_group, ""), (commands, number, "")))


def _hook(event: str, group: dict[str, Any], value: object) -> Hook | None:
    if not isinstance(value, dict) or not isinstance(command := value.get("command"), str):
        return None
    timeout, matcher = value.get("timeout"), group.get("matcher")
    return Hook(
        event=event,
        command=command,
        matcher=matcher if isinstance(matcher, str) else None,
        timeout_s=timeout if isinstance(timeout, int) and not isinstance(timeout, bool) else None,
    )
