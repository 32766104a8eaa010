"""Our hooks as tables in an agent's TOML settings. Pure: bytes in, bytes out, every other byte kept.

The layout is that of Codex's config.toml (0.169.0), which also holds what the user reviewed (`hooks.state`):

    [[hooks.SessionStart]]
    matcher = "startup|resume"

    [[hooks.SessionStart.hooks]]
    type = "command"
    command = "..."
    timeout = 5

Where an event's groups are written as an array (`SessionStart = [...]`), ours is another item of it.

Ours are inserted and removed as text, and the result is parsed again: where it does not mean exactly what it should,
the edit is refused. tomlkit would not keep every byte, nor tables that are out of order.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import msgspec

from carryover.edits.encoding import EditRefused, decode, encode, newline_of
from carryover.edits.hook_command import OwnerOf
from carryover.edits.hooks import UNKNOWN, FoundHook, Hook, HookOwners, Origin, hook_of
from carryover.edits.json_document import line_of
from carryover.edits.toml_document import Array, Segment, arrays, segments

HOOKS: Final = "hooks"
_INLINE: Final = "its hooks are written in a form that can't be edited without touching the rest"


def with_hooks(data: bytes | None, wanted: Sequence[Hook], owner_of: OwnerOf) -> bytes:
    """The settings with exactly `wanted` as our hooks, as `carryover.edits.json_hooks.with_hooks` does it.

    Raises:
        EditRefused: it is not TOML in UTF-8, or its hooks are written in another way than above.
    """
    bom, text = decode(data or b"")
    parsed(text)
    for hook in wanted:
        text = _with_hook(text, hook, owner_of)
    return bom + encode(_without_ours(text, owner_of, keep=wanted))


def without_hooks(data: bytes, owner_of: OwnerOf, origin: Origin = UNKNOWN) -> bytes | None:
    """The settings without our hooks; None when the file should go too. The inverse of `with_hooks`.

    Raises:
        EditRefused: as `with_hooks`.
    """
    bom, text = decode(data)
    text = _without_ours(text, owner_of)
    return None if origin.missing and not text.strip() else bom + encode(text)


def origin_of(data: bytes | None, owner_of: OwnerOf, known: Origin | None = None) -> Origin:
    """What to record before `with_hooks(data)`; `known` is what was recorded before the hooks that `data` holds.

    Raises:
        EditRefused: it is not TOML in UTF-8.
    """
    if data is None:
        return Origin(missing=True)
    return known if known is not None and hook_owners(data, owner_of).ours else Origin()


def hooks_of(data: bytes, owner_of: OwnerOf) -> tuple[FoundHook, ...]:
    """Every command hook in the settings, event by event.

    Raises:
        EditRefused: it is not TOML in UTF-8.
    """
    text = decode(data)[1]
    return tuple(
        FoundHook(
            hook=place.hook,
            owner=owner_of(place.hook.command),
            line=line_of(text, place.at),
            group=place.group,
            number=place.number,
        )
        for place in hook_tables(text)
    )


def hook_owners(data: bytes, owner_of: OwnerOf) -> HookOwners:
    """Who has hooks in the settings.

    Raises:
        EditRefused: it is not TOML in UTF-8.
    """
    groups = groups_of(parsed(decode(data)[1]))
    handlers = [handler for _, group in groups for handler in handlers_of(group)]
    commands = [handler.get("command") if isinstance(handler, dict) else None for handler in handlers]
    mine = sum(isinstance(command, str) and owner_of(command) == "ours" for command in commands)
    return HookOwners(ours=mine > 0, others=len(handlers) > mine)


def _with_hook(text: str, hook: Hook, owner_of: OwnerOf) -> str:
    present = [place for place in hook_tables(text) if place.hook.event == hook.event]
    mine = [place for place in present if owner_of(place.hook.command) == "ours"]
    if any(place.hook == hook for place in mine) or any(owner_of(p.hook.command) == "edited" for p in present):
        return text
    for place in mine:
        if place.siblings == 1:  # no hook of others in that group
            return _replaced(text, place, hook)
    return _appended(text, hook)


def _appended(text: str, hook: Hook) -> str:
    wanted = deepcopy(parsed(text))
    events = wanted.setdefault(HOOKS, {})
    groups = events.setdefault(hook.event, []) if isinstance(events, dict) else None
    if not isinstance(groups, list):
        raise EditRefused(f'"{HOOKS}.{hook.event}" is something other than a list of tables')
    groups.append(_group(hook))
    if (array := arrays(text).get((HOOKS, hook.event))) is not None:
        return _checked(array.with_item(text, _inline(hook)), wanted)
    newline = newline_of(text)
    gap = "" if not text else newline if text.endswith("\n") else newline * 2
    ending = newline if not text or text.endswith("\n") else ""
    return _checked(text + gap + newline.join(_lines(hook)) + ending, wanted)


def _replaced(text: str, place: HookTable, hook: Hook) -> str:
    """The text with a new hook in a group that holds only ours."""
    wanted = parsed(text)
    wanted[HOOKS][hook.event][place.group] = _group(hook)
    if place.array is not None:
        return _checked(place.array.with_other(text, place.group, _inline(hook)), wanted)
    if place.own is None or text[place.tables[0].end : place.own.start].strip():
        raise EditRefused(_INLINE)
    start, end = place.tables[0].start, place.own.end
    ending = newline_of(text) if text[:end].endswith("\n") else ""
    return _checked(text[:start] + newline_of(text).join(_lines(hook)) + ending + text[end:], wanted)


def _without_ours(text: str, owner_of: OwnerOf, keep: Sequence[Hook] = ()) -> str:
    """The text without our hooks, except the first that equals each of `keep`."""
    while doomed := _doomed(text, owner_of, keep):
        text = _without_place(text, max(doomed, key=lambda place: place.at))  # in the reverse order of their addition
    return text


def _doomed(text: str, owner_of: OwnerOf, keep: Sequence[Hook]) -> list[HookTable]:
    kept: set[Hook] = set()
    doomed = []
    for place in hook_tables(text):
        if owner_of(place.hook.command) != "ours":
            continue
        if place.hook in keep and place.hook not in kept:
            kept.add(place.hook)
        else:
            doomed.append(place)
    return doomed


def _without_place(text: str, place: HookTable) -> str:
    wanted = parsed(text)
    groups = wanted[HOOKS][place.hook.event]
    if place.siblings > 1:
        del groups[place.group][HOOKS][place.number]
        return _checked(_cut_each(text, [place.own]), wanted)
    del groups[place.group]
    if place.array is not None:
        return _checked(place.array.without_item(text, place.group), wanted)
    if not groups:
        del wanted[HOOKS][place.hook.event]
    return _checked(_cut_each(text, place.tables or [None]), wanted)


def _cut_each(text: str, doomed: Sequence[Segment | None]) -> str:
    for segment in reversed(doomed):
        if segment is None:
            raise EditRefused(_INLINE)
        text = _cut(text, segment)
    return text


def _cut(text: str, segment: Segment) -> str:
    """The text without a table and the blank line before it, or after it where nothing precedes it."""
    start, end = segment.start, min(segment.end, len(text))
    before = _chopped(text, start)
    if before > 0 and text[:before].endswith("\n"):
        start = before
    if end == len(text) and not text.endswith("\n"):
        start = _chopped(text, start)
    if start == 0:
        end += len(text[end:]) - len(text[end:].removeprefix(newline_of(text)))
    return text[:start] + text[end:]


def _chopped(text: str, end: int) -> int:
    """`end` without the line end right before it."""
    return end - 2 if text.endswith("\r\n", 0, end) else end - 1 if text.endswith("\n", 0, end) else end


def _checked(text: str, wanted: Mapping[str, Any]) -> str:
    try:
        found = parsed(text)
    except EditRefused as error:
        raise EditRefused(_INLINE) from error
    if _said(found) != _said(wanted):
        raise EditRefused(_INLINE)
    return text


def _said(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings without an empty `hooks`, which equals none: the table above ours may be removed with them."""
    return {key: value for key, value in settings.items() if (key, value) != (HOOKS, {})}


def _group(hook: Hook) -> dict[str, Any]:
    timeout = {} if hook.timeout is None else {"timeout": hook.timeout}
    matcher = {} if hook.matcher is None else {"matcher": hook.matcher}
    return matcher | {HOOKS: [{"type": "command", "command": hook.command} | timeout]}


def _lines(hook: Hook) -> Iterator[str]:
    yield f"[[{HOOKS}.{hook.event}]]"
    if hook.matcher is not None:
        yield f"matcher = {_string(hook.matcher)}"
    yield ""
    yield f"[[{HOOKS}.{hook.event}.{HOOKS}]]"
    yield 'type = "command"'
    yield f"command = {_string(hook.command)}"
    if hook.timeout is not None:
        yield f"timeout = {hook.timeout}"


def _inline(hook: Hook) -> str:
    matcher = "" if hook.matcher is None else f"matcher = {_string(hook.matcher)}, "
    timeout = "" if hook.timeout is None else f", timeout = {hook.timeout}"
    return f'{{ {matcher}{HOOKS} = [{{ type = "command", command = {_string(hook.command)}{timeout} }}] }}'


def _string(value: str) -> str:
    """A TOML string. JSON has the same escapes, except for DEL and lone surrogates, which our paths never hold."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


class HookTable(msgspec.Struct, frozen=True):
    """The position of a command hook: in tables, in an array, or (neither) in a form that can't be edited."""

    hook: Hook
    group: int
    number: int
    siblings: int
    """The number of hooks in its group."""
    tables: tuple[Segment, ...] = ()
    """The tables of its group: first the group's, then one per hook, unless these are written inline."""
    array: Array | None = None
    """The array of its event's groups."""

    @property
    def own(self) -> Segment | None:
        """The hook's table; None where it has none."""
        return self.tables[self.number + 1] if len(self.tables) == self.siblings + 1 else None

    @property
    def at(self) -> int:
        """Its position in the text; 0 where that is not known."""
        if self.array is not None:
            return self.array.items[self.group][0]
        found = self.own or next(iter(self.tables), None)
        return found.start if found is not None else 0


def parsed(text: str) -> dict[str, Any]:
    """The parsed text. Fractions stay text, since not-a-number does not equal itself.

    Raises:
        EditRefused: it is not TOML.
    """
    try:
        return tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError) as error:  # also for a number of thousands of digits
        raise EditRefused(f"it is not valid TOML: {error}") from error


def groups_of(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each group with its event. Only lists under `hooks` are events, which `hooks.state` is not."""
    hooks = settings.get(HOOKS)
    for event, groups in hooks.items() if isinstance(hooks, dict) else ():
        yield from ((event, group) for group in groups) if isinstance(groups, list) else ()


def handlers_of(group: Any) -> list[Any]:
    """The hooks of a group, of any kind."""
    found = group.get(HOOKS) if isinstance(group, dict) else None
    return found if isinstance(found, list) else []


def hook_tables(text: str) -> Iterator[HookTable]:
    """Every command hook, event by event.

    Raises:
        EditRefused: it is not TOML.
    """
    settings = parsed(text)
    tables, lists = _tables_of_groups(text), arrays(text)
    counts: dict[str, int] = {}
    for event, group in groups_of(settings):
        number = counts.get(event, 0)
        counts[event] = number + 1
        written = tables.get(event, [])
        handlers = handlers_of(group)
        for at, value in enumerate(handlers):
            matcher = group.get("matcher") if isinstance(group, dict) else None
            if (hook := hook_of(event, matcher, value)) is not None:
                own = written[number] if number < len(written) else ()
                yield HookTable(hook, number, at, len(handlers), own, lists.get((HOOKS, event)))


def _tables_of_groups(text: str) -> dict[str, list[tuple[Segment, ...]]]:
    """The tables of each group by event: the group's, then one per hook."""
    found: dict[str, list[tuple[Segment, ...]]] = {}
    for segment in segments(text):
        if not segment.array or segment.path[:1] != (HOOKS,):
            continue
        if len(segment.path) == 2:
            found.setdefault(segment.path[1], []).append((segment,))
        elif len(segment.path) == 3 and segment.path[2] == HOOKS and (groups := found.get(segment.path[1])):
            groups[-1] = (*groups[-1], segment)
    return found
