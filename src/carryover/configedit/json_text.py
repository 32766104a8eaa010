"""Our hooks in an agent's JSON settings. Pure: bytes in, bytes out, every other byte kept.

Nested (Claude Code 1.0.38 to 2.1.328; Codex 0.114 to 0.169, in a file of their own):

    {"hooks": {"<event>": [{"matcher": "...", "hooks": [{"type": "command", "command": "...", "timeout": 5}]}]}}

Flat (Cursor 1.7 to 3.12, in a file of their own), where both members must be there:

    {"version": 1, "hooks": {"<event>": [{"command": "...", "timeout": 5}]}}

The client may rewrite the file with its keys sorted (Claude Code 2.1.328, once, where `~/.claude.json` turns updates
off), and a person may move hooks about. So ours are found by what they say, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from carryover.adapter.spec import HookFileRules
from carryover.configedit.hook import UNKNOWN, Form, FoundHook, Hook, Origin, Tenants
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
from carryover.configedit.json_places import HOOKS, HookPlace, hook_places
from carryover.configedit.json_rules import VERSION, VERSION_NOW, drop_reason
from carryover.configedit.settings_bytes import decoded, encoded
from carryover.configedit.stub_line import WhoseIs


def with_hooks(
    data: bytes | None,
    wanted: Sequence[Hook],
    whose: WhoseIs,
    origin: Origin = UNKNOWN,
    *,
    form: Form = "nested",
    rules: HookFileRules | None = None,
) -> bytes:
    """The settings with exactly `wanted`, one or more and one an event, as our hooks; None stands for a missing file.

    What is right stays untouched, what differs is replaced where it stands, what is missing is appended, and ours that
    are not wanted go. Where a person has edited our line for an event, that line has to do. `origin` matters only
    where hooks of ours are there already.

    Raises:
        Refused: it is not strict JSON in UTF-8, `hooks` is not laid out as above, or the agent would drop the file.
    """
    bom, text = decoded(data or b"")
    if not text.strip():
        new = {HOOKS: {hook.event: [_entry(hook, form)] for hook in wanted}}
        return bom + encoded(document({VERSION: VERSION_NOW} | new if form == "flat" else new))
    _check(text, wanted)
    layout = layout_of(text)
    if form == "flat":
        text = _with_version(text, whose, layout)
    if (reason := drop_reason(text, form, rules)) is not None:
        raise Refused(reason)
    for hook in wanted:
        text = _with_hook(text, hook, whose, layout, form)
    return bom + encoded(_without_ours(text, whose, origin, form, keep=wanted))


def without_hooks(data: bytes, whose: WhoseIs, origin: Origin = UNKNOWN, *, form: Form = "nested") -> bytes | None:
    """The settings without our hooks, and without what is empty only for that; None when the file should go too.

    The inverse of `with_hooks`, given the `origin_of` what `with_hooks` was given.

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    bom, text = decoded(data)
    if text.strip():
        text = _without_ours(text, whose, origin, form)
        if form == "flat" and (origin.unversioned or origin.missing or origin.blank is not None):
            text = _without_version(text)
        if read(text).items or not (origin.missing or origin.blank is not None):
            return bom + encoded(text)
        text = origin.blank or ""
    return None if origin.missing else bom + encoded(text)


def origin_of(data: bytes | None, whose: WhoseIs, known: Origin | None = None, *, form: Form = "nested") -> Origin:
    """What to remember before `with_hooks(data)`; `known` is what was remembered when our hooks in `data` came.

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    if data is None:
        return Origin(missing=True)
    text = decoded(data)[1]
    if not text.strip():
        return Origin(blank=text)
    before = known if known is not None and next(_ours(text, whose, form), None) else Origin()
    empty = (*before.empty, *(place for place in _empty_places(text) if place not in before.empty))
    unversioned = before.unversioned or (form == "flat" and _number(read(text), VERSION) is None)
    return msgspec.structs.replace(before, empty=empty, unversioned=unversioned)


def hooks_of(data: bytes, whose: WhoseIs, *, form: Form = "nested") -> tuple[FoundHook, ...]:
    """Every command hook in the settings, in their order.

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    text = decoded(data)[1]
    if not text.strip():
        return ()
    return tuple(
        FoundHook(
            hook=place.hook,
            whose=whose(place.hook.command),
            line=line_of(text, place.at),
            group=place.group,
            number=place.number,
        )
        for place in hook_places(text, form)
    )


def tenants_of(data: bytes, whose: WhoseIs, *, form: Form = "nested") -> Tenants:
    """Who has hooks in the settings.

    Raises:
        Refused: it is not strict JSON in UTF-8.
    """
    text = decoded(data)[1]
    if not text.strip():
        return Tenants()
    mine = sum(whose(place.hook.command) == "ours" for place in hook_places(text, form))
    return Tenants(ours=mine > 0, others=_handlers(text, form) > mine)


def _entry(hook: Hook, form: Form) -> dict[str, Any]:
    """What stands in an event's list."""
    matcher = {} if hook.matcher is None else {"matcher": hook.matcher}
    timeout = {} if hook.timeout_s is None else {"timeout": hook.timeout_s}
    if form == "flat":
        return matcher | {"command": hook.command} | timeout
    return matcher | {HOOKS: [{"type": "command", "command": hook.command} | timeout]}


def _with_version(text: str, whose: WhoseIs, layout: Layout) -> str:
    """The text with a version. Not where others have hooks that would begin to run by it."""
    root = read(text)
    if _number(root, VERSION) is not None or any(whose(p.hook.command) == "others" for p in hook_places(text, "flat")):
        return text
    return added(text, root, VERSION, VERSION_NOW, layout, "")


def _without_version(text: str) -> str:
    """The text without the version that came with our hooks, where no hook is left that needs it."""
    root = read(text)
    number = _number(root, VERSION)
    if number is None or root.items[number].value != VERSION_NOW or _handlers(text, "flat"):
        return text
    return removed(text, root, number)


def _check(text: str, wanted: Sequence[Hook]) -> None:
    """Refuses what has no place for the hooks: what the agent itself takes for a mistake, and what says two things."""
    hooks = _only(text, read(text), HOOKS)
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


def _with_hook(text: str, hook: Hook, whose: WhoseIs, layout: Layout, form: Form) -> str:
    """The text with one hook, in a document that `_check` has passed."""
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
    present = [place for place in hook_places(text, form) if place.hook.event == hook.event]
    mine = [place for place in present if whose(place.hook.command) == "ours"]
    if any(place.hook == hook for place in mine) or any(whose(p.hook.command) == "edited" for p in present):
        return text
    for place in mine:
        if place.alone:
            return replaced(text, entries, place.group, _entry(hook, form), layout)
    return added(text, entries, None, _entry(hook, form), layout, own_line(text, events, number))


def _number(container: Container, key: str) -> int | None:
    return next((number for number, item in enumerate(container.items) if item.key == key), None)


def _without_ours(text: str, whose: WhoseIs, origin: Origin, form: Form, keep: Sequence[Hook] = ()) -> str:
    """The text without our hooks, but for the first that says what one of `keep` says."""
    while True:
        kept: set[Hook] = set()
        for place in _ours(text, whose, form):
            if place.hook not in keep or place.hook in kept:
                break
            kept.add(place.hook)
        else:
            return text
        text = _without_place(text, place, origin)


def _without_place(text: str, place: HookPlace, origin: Origin) -> str:
    """Takes a hook out, and with it what held nothing else and is not known to have stood empty before."""
    path = list(place.path)
    while len(path) > 1 and len(path[-1][0].items) == 1 and path[-2][2] not in origin.empty:
        path.pop()
    container, number, _ = path[-1]
    return removed(text, container, number)


def _ours(text: str, whose: WhoseIs, form: Form) -> Iterator[HookPlace]:
    return (place for place in hook_places(text, form) if whose(place.hook.command) == "ours")


def _handlers(text: str, form: Form) -> int:
    """How many hooks there are, of any kind."""
    events = [item.value for item in read(text).items if item.key == HOOKS and isinstance(item.value, dict)]
    entries = [
        entry for event in events for entries in event.values() if isinstance(entries, list) for entry in entries
    ]
    if form == "flat":
        return len(entries)
    groups = [entry.get(HOOKS) for entry in entries if isinstance(entry, dict)]
    return sum(len(handlers) for handlers in groups if isinstance(handlers, list))


def _empty_places(text: str) -> Iterator[str]:
    for hooks in (item for item in read(text).items if item.key == HOOKS):
        if hooks.value == {}:
            yield HOOKS
        if isinstance(hooks.value, dict):
            yield from (f"{HOOKS}.{event}" for event, groups in hooks.value.items() if groups == [])
