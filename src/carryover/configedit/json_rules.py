"""What makes an agent drop a JSON file of hooks, with every hook in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from carryover.adapter.spec import HookFileRules
from carryover.configedit.hook import Form
from carryover.configedit.json_document import Container, Item, in_words, inside, line_of, read
from carryover.configedit.json_places import HOOKS

VERSION = "version"
VERSION_NOW = 1
"""Of the flat form (Cursor 1.7 to 3.12); the only one so far."""

_DROPS = "makes the agent drop the whole file"


def drop_reason(text: str, form: Form, rules: HookFileRules | None) -> str | None:
    """Why the agent runs no hook of a file, as a clause without a full stop; None where nothing is known against it.

    Raises:
        Refused: it is not strict JSON.
    """
    if not text.strip():
        return None
    root = read(text)
    return _bad_version(text, root) if form == "flat" else next(_broken_rules(text, root, rules), None)


def ignored_events(text: str) -> tuple[str, ...]:
    """The lists at the top level of a flat file: events that the agent passes by, since they are not under `hooks`.

    Raises:
        Refused: it is not strict JSON.
    """
    if not text.strip():
        return ()
    return tuple(item.key or "" for item in read(text).items if item.key != HOOKS and isinstance(item.value, list))


def _bad_version(text: str, root: Container) -> str | None:
    """Cursor says `Config version must be a number` and loads nothing (IDE 3.11; reported)."""
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
    for item in _handlers(text, root):
        kind = item.value.get("type") if isinstance(item.value, dict) else None
        if rules.handler_types and isinstance(kind, str) and kind not in rules.handler_types:
            yield f'its hook of type "{kind}" (line {line_of(text, item.start)}) {_DROPS}'


def _handlers(text: str, root: Container) -> Iterator[Item]:
    for hooks in _members(root, HOOKS):
        if not isinstance(hooks.value, dict):
            continue
        for event in inside(text, hooks.value_start).items:
            groups = inside(text, event.value_start).items if isinstance(event.value, list) else ()
            for group in groups:
                if isinstance(group.value, dict):
                    for handlers in _members(inside(text, group.value_start), HOOKS):
                        if isinstance(handlers.value, list):
                            yield from inside(text, handlers.value_start).items


def _members(container: Container, key: str) -> Iterator[Item]:
    return (item for item in container.items if item.key == key)
