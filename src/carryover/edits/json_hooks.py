"""Our hooks in an agent's JSON settings. Pure: bytes in, bytes out, every other byte kept.

Nested (Claude Code 1.0.38 to 2.1.328; Codex 0.114 to 0.169, in a separate file):

    {"hooks": {"<event>": [{"matcher": "...", "hooks": [{"type": "command", "command": "...", "timeout": 5}]}]}}

Flat (Cursor 1.7 to 3.12, in a separate file); both members are required:

    {"version": 1, "hooks": {"<event>": [{"command": "...", "timeout": 5}]}}

Plain (Windsurf since 1.12.41, according to its documentation, in a separate file), without version, matcher and
timeout:

    {"hooks": {"<event>": [{"command": "...", "show_output": false}]}}

The client may rewrite the file with its keys sorted (Claude Code 2.1.328, once, if `~/.claude.json` turns updates off),
and people may move hooks. So ours are found by their command, wherever they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from carryover.adapter.spec import HookFileRules
from carryover.edits.encoding import EditRefused, decode, encode
from carryover.edits.hook_command import OwnerOf
from carryover.edits.hooks import HOOKS, UNGROUPED, UNKNOWN, Form, Hook, Origin, hook_of
from carryover.edits.json_document import (
    Container,
    Item,
    Layout,
    added,
    check_strict,
    document,
    in_words,
    inside,
    layout_of,
    line_of,
    only,
    own_line,
    read,
    removed,
    replaced,
)

VERSION: Final = "version"
VERSION_NOW: Final = 1
"""The only version of the flat form so far (Cursor 1.7 to 3.12)."""

_DROPS: Final = "makes the agent drop the whole file"

Levels = tuple[tuple[Container, int, str], ...]


@dataclass(frozen=True, slots=True)
class _Handler:
    """A hook of any kind; `hook` is set if it runs a command. Each level has the container, the item's index and its
    name.

    The levels are the document, its events, an event's entries and, if these are groups, a group's hooks.
    """

    hook: Hook | None
    item: Item
    path: Levels

    @property
    def is_alone(self) -> bool:
        """Whether its group contains nothing else."""
        return len(self.path) < 4 or len(self.path[3][0].items) == 1


def with_hooks(
    data: bytes | None,
    wanted: Sequence[Hook],
    owner_of: OwnerOf,
    origin: Origin = UNKNOWN,
    *,
    form: Form = "nested",
    rules: HookFileRules | None = None,
) -> bytes:
    """Returns the settings with exactly `wanted` as our hooks: one or more, one per event. `data`: None for a missing
    file.

    Correct hooks stay untouched, other ones of ours are replaced in place, missing ones are appended, and unwanted ones
    removed. If a person has edited our line for an event, that line stays instead. `origin` matters only if `data`
    contains hooks of ours.

    Raises:
        EditRefused: it is not JSON in UTF-8 (strict, unless `rules` allow comments), `hooks` is not laid out as above,
            or the agent would drop the file.
    """
    bom, text = decode(data or b"")
    if not text.strip():
        new = {HOOKS: {hook.event: [_entry(hook, form)] for hook in wanted}}
        return bom + encode(document({VERSION: VERSION_NOW} | new if form == "flat" else new))
    _check_comments(text, rules)
    _check(text, wanted)
    layout = layout_of(text)
    if form == "flat":
        text = _with_version(text, owner_of, layout)
    if (reason := drop_reason(text, form, rules)) is not None:
        raise EditRefused(reason)
    for hook in wanted:
        text = _with_hook(text, hook, owner_of, layout, form)
    return bom + encode(_without_ours(text, owner_of, origin, form, keep=wanted))


def without_hooks(data: bytes, owner_of: OwnerOf, origin: Origin = UNKNOWN, *, form: Form = "nested") -> bytes | None:
    """Returns the settings without our hooks, and without what is only empty because of that; None to delete the file.

    Undoes `with_hooks`, given the origin that was recorded before it.

    Raises:
        EditRefused: it is not JSON in UTF-8. Comments and trailing commas are accepted.
    """
    bom, text = decode(data)
    if text.strip():
        text = _without_ours(text, owner_of, origin, form)
        if form == "flat" and (origin.unversioned or origin.missing or origin.blank is not None):
            text = _without_version(text)
        if read(text).items or not (origin.missing or origin.blank is not None):
            return bom + encode(text)
        text = origin.blank or ""
    return None if origin.missing else bom + encode(text)


def origin_of(data: bytes | None, owner_of: OwnerOf, known: Origin | None = None, *, form: Form = "nested") -> Origin:
    """Returns what to record before `with_hooks(data)`. `known`: recorded before the hooks now in `data` were added.

    Raises:
        EditRefused: it is not JSON in UTF-8. Comments and trailing commas are accepted.
    """
    if data is None:
        return Origin(missing=True)
    text = decode(data)[1]
    if not text.strip():
        return Origin(blank=text)
    before = known if known is not None and next(_ours(text, owner_of, form), None) else Origin()
    empty = (*before.empty, *(place for place in _empty_places(text) if place not in before.empty))
    unversioned = before.unversioned or (form == "flat" and _number(read(text), VERSION) is None)
    return msgspec.structs.replace(before, empty=empty, unversioned=unversioned)


def _entry(hook: Hook, form: Form) -> dict[str, Any]:
    matcher = {} if hook.matcher is None else {"matcher": hook.matcher}
    name = {} if hook.name is None else {"name": hook.name}
    timeout = {} if hook.timeout is None else {"timeout": hook.timeout}
    if form == "plain":
        return {"command": hook.command, "show_output": False}
    if form == "flat":
        return matcher | name | {"command": hook.command} | timeout
    return matcher | {HOOKS: [{"type": "command"} | name | {"command": hook.command} | timeout]}


def _with_version(text: str, owner_of: OwnerOf, layout: Layout) -> str:
    """Returns the text with a version, unless that would activate other people's hooks of any kind."""
    root = read(text)
    if _number(root, VERSION) is not None or any(
        handler.hook is None or owner_of(handler.hook.command) == "others" for handler in _handlers(text, "flat")
    ):
        return text
    return added(text, root, VERSION, VERSION_NOW, layout, "")


def _without_version(text: str) -> str:
    """Returns the text without the version that was added with our hooks, unless a remaining hook needs it."""
    root = read(text)
    number = _number(root, VERSION)
    if number is None or root.items[number].value != VERSION_NOW or any(_handlers(text, "flat")):
        return text
    return removed(text, root, number)


def _check(text: str, wanted: Sequence[Hook]) -> None:
    """Raises EditRefused if hooks can't be added: the layout is invalid for the agent too, or a key is there twice."""
    root = read(text)
    number = only(text, root, HOOKS, dict)
    if number is not None:
        events = inside(text, root.items[number].value_start)
        for hook in wanted:
            only(text, events, hook.event, list, f'"{HOOKS}".')


def _check_comments(text: str, rules: HookFileRules | None) -> None:
    if rules is None or not rules.comments:
        check_strict(text)


def _with_hook(text: str, hook: Hook, owner_of: OwnerOf, layout: Layout, form: Form) -> str:
    """Returns the text with one hook added. `_check` must have accepted the document."""
    root = read(text)
    number = _number(root, HOOKS)
    if number is None:
        return added(text, root, HOOKS, {hook.event: [_entry(hook, form)]}, layout, "")
    events = inside(text, root.items[number].value_start)
    outer = own_line(text, root, number)
    number = _number(events, hook.event)
    if number is None:
        return added(text, events, hook.event, [_entry(hook, form)], layout, outer)
    entries = inside(text, events.items[number].value_start)
    present = [(h, owner_of(h.hook.command)) for h in _handlers(text, form) if h.hook and h.hook.event == hook.event]
    mine = [handler for handler, owner in present if owner == "ours"]
    if any(handler.hook == hook for handler in mine) or any(owner == "edited" for _, owner in present):
        return text
    for handler in mine:
        if handler.is_alone:
            return replaced(text, entries, handler.path[2][1], _entry(hook, form), layout)
    return added(text, entries, None, _entry(hook, form), layout, own_line(text, events, number))


def _number(container: Container, key: str) -> int | None:
    return next((number for number, item in enumerate(container.items) if item.key == key), None)


def _without_ours(text: str, owner_of: OwnerOf, origin: Origin, form: Form, keep: Sequence[Hook] = ()) -> str:
    """Returns the text without our hooks, except the first that equals each of `keep`."""
    while (doomed := _first_doomed(text, owner_of, form, keep)) is not None:
        text = _without(text, doomed, origin)
    return text


def _first_doomed(text: str, owner_of: OwnerOf, form: Form, keep: Sequence[Hook]) -> Levels | None:
    kept: set[Hook] = set()
    for hook, path in _ours(text, owner_of, form):
        if hook not in keep or hook in kept:
            return path
        kept.add(hook)
    return None


def _without(text: str, path: Levels, origin: Origin) -> str:
    """Returns the text without one hook, and without containers left empty, unless they were empty before."""
    while len(path) > 1 and len(path[-1][0].items) == 1 and path[-2][2] not in origin.empty:
        path = path[:-1]
    container, number, _ = path[-1]
    return removed(text, container, number)


def _ours(text: str, owner_of: OwnerOf, form: Form) -> Iterator[tuple[Hook, Levels]]:
    for handler in _handlers(text, form):
        if handler.hook is not None and owner_of(handler.hook.command) == "ours":
            yield handler.hook, handler.path


def _empty_places(text: str) -> Iterator[str]:
    for hooks in (item for item in read(text).items if item.key == HOOKS):
        if hooks.value == {}:
            yield HOOKS
        if isinstance(hooks.value, dict):
            yield from (f"{HOOKS}.{event}" for event, groups in hooks.value.items() if groups == [])


def drop_reason(text: str, form: Form, rules: HookFileRules | None) -> str | None:
    """Returns why the agent ignores all hooks of a file, as a clause; None if it does not, as far as known.

    Raises:
        EditRefused: it is not JSON, or has comments although `rules` forbid them.
    """
    if not text.strip():
        return None
    _check_comments(text, rules)
    root = read(text)
    return _bad_version(text, root) if form == "flat" else next(_broken_rules(text, root, rules), None)


def ignored_events(text: str) -> tuple[str, ...]:
    """Returns the lists at the top level of a flat file: events that the agent ignores, since they are not under
    `hooks`.

    Raises:
        EditRefused: it is not JSON. Comments and trailing commas are accepted.
    """
    if not text.strip():
        return ()
    return tuple(item.key or "" for item in read(text).items if item.key != HOOKS and isinstance(item.value, list))


def _bad_version(text: str, root: Container) -> str | None:
    """Returns why Cursor drops the file, as a clause. Cursor says `Config version must be a number` (IDE 3.11)."""
    item = next((item for item in root.items if item.key == VERSION), None)
    if item is None:
        return f'it has no "{VERSION}" (such as 1), without which the agent drops the whole file'
    if isinstance(item.value, int) and not isinstance(item.value, bool):
        return None
    return f'its "{VERSION}" (line {line_of(text, item.start)}) is {in_words(item.value)}, which {_DROPS}'


def _broken_rules(text: str, root: Container, rules: HookFileRules | None) -> Iterator[str]:
    if rules is None:
        return
    for item in root.items:
        if rules.root_keys and item.key not in rules.root_keys:
            yield f'its key "{item.key}" (line {line_of(text, item.start)}) {_DROPS}'
    for item in (handler.item for handler in _handlers(text, "nested")):
        kind = item.value.get("type") if isinstance(item.value, dict) else None
        if rules.handler_types and isinstance(kind, str) and kind not in rules.handler_types:
            yield f'its hook of type "{kind}" (line {line_of(text, item.start)}) {_DROPS}'


def _handlers(text: str, form: Form) -> Iterator[_Handler]:
    """Yields every hook in the order of the text. Anything with another layout is skipped."""
    root = read(text)
    for at_hooks, hooks in _members(root, HOOKS, dict):
        events = inside(text, hooks.value_start)
        for at_event, event in enumerate(events.items):
            if not isinstance(event.value, list):
                continue
            above = ((root, at_hooks, HOOKS), (events, at_event, f"{HOOKS}.{event.key}"))
            entries = inside(text, event.value_start)
            for number, entry in enumerate(entries.items):
                path: Levels = (*above, (entries, number, ""))
                yield from _of_entry(text, entry, event.key or "", path, form)


def _of_entry(text: str, entry: Item, event: str, path: Levels, form: Form) -> Iterator[_Handler]:
    matcher = entry.value.get("matcher") if isinstance(entry.value, dict) else None
    if form in UNGROUPED:
        yield _Handler(hook_of(event, matcher, entry.value), entry, path)
    elif isinstance(entry.value, dict):
        for _, member in _members(inside(text, entry.value_start), HOOKS, list):
            handlers = inside(text, member.value_start)
            for number, item in enumerate(handlers.items):
                yield _Handler(hook_of(event, matcher, item.value), item, (*path, (handlers, number, "")))


def _members(container: Container, key: str, kind: type) -> Iterator[tuple[int, Item]]:
    return (
        (number, item)
        for number, item in enumerate(container.items)
        if item.key == key and isinstance(item.value, kind)
    )
