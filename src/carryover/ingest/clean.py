"""From an adapter's event to what the ledger may hold: secrets hidden, tool output bounded, text that can be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from carryover.adapter.contract import CONTEXT_NAMES
from carryover.ingest.bound import bound_output
from carryover.ledger.prepared import Entry
from carryover.model import AnyBody, Event, ToolResult, Undone
from carryover.redact import redact

T = TypeVar("T")

_IDS: Final = frozenset({"call_id", "task_id", "name"})
_NONE: Final[frozenset[str]] = frozenset()
_WITHOUT_TEXT: Final = frozenset({int, float, bool, bytes, NoneType, Ellipsis})


def clean_entry(agent: str, event: Event) -> Entry:
    """The event as it is stored, with a count of the secrets hidden in it."""
    counts: Counter[str] = Counter()
    body = clean_body(event.body, counts)
    if body is event.body:
        return _entry(agent, event, counts)
    entry = _entry(agent, msgspec.structs.replace(event, body=body), counts)
    if isinstance(body, Undone):
        # A key in which something was hidden is no longer that of an event.
        return msgspec.structs.replace(entry, undoes=_entry(agent, event, counts).undoes)
    return entry


def _entry(agent: str, event: Event, counts: Counter[str]) -> Entry:
    try:
        return Entry.of(agent, event, counts)
    except UnicodeEncodeError:
        return Entry.of(agent, map_text(event, without_lone_surrogates, keep=_NONE), counts)


def clean_body(body: AnyBody, counts: Counter[str]) -> AnyBody:
    """The body without secrets and, where it holds output, bounded. Kinds of secret are counted in `counts`."""

    def hide(text: str) -> str:
        hidden, found = redact(text)
        counts.update(found)
        return hidden

    if isinstance(body, ToolResult) and body.output:
        output, dropped = bound_output(body.output, hide)
        rest = map_text(msgspec.structs.replace(body, output=""), hide)
        return msgspec.structs.replace(rest, output=output, dropped=body.dropped + dropped)
    return map_text(body, hide)


def clean_context(context: msgspec.Struct) -> bytes:
    """An adapter's context as it is stored. Its secrets are hidden and not counted: the events they came with count.

    Paths and ids stay whatever they look like, or a session would lose its project where a folder looks like a key.
    """
    hidden = map_text(context, lambda text: redact(text)[0], keep=CONTEXT_NAMES)
    try:
        return msgspec.json.encode(hidden)
    except UnicodeEncodeError:
        return msgspec.json.encode(map_text(hidden, without_lone_surrogates, keep=_NONE))


def without_lone_surrogates(text: str) -> str:
    """`text` with `?` for halves of surrogate pairs, which JSON can hold but UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


@cache
def _text_fields(struct: type[msgspec.Struct], keep: frozenset[str]) -> tuple[str, ...]:
    hints = get_type_hints(struct)
    return tuple(name for name in struct.__struct_fields__ if name not in keep and _may_hold_text(hints[name]))


def _may_hold_text(hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return False
    inner = get_args(hint)
    return any(map(_may_hold_text, inner)) if inner else hint not in _WITHOUT_TEXT


def map_text(value: T, change: Callable[[str], str], *, keep: frozenset[str] = _IDS) -> T:
    """`value` with `change` applied to every text inside it, however deep; the same object where none changed.

    Goes through structs, tuples, lists, sets and the values of dicts. What names things is no text and stays: keys,
    fields that hold one of a few words, and those that are named in `keep`.
    """
    changed: Any = value
    if isinstance(value, str):
        changed = change(value)
    elif isinstance(value, msgspec.Struct):
        olds = {name: getattr(value, name) for name in _text_fields(type(value), keep)}
        news = {name: new for name, old in olds.items() if (new := map_text(old, change, keep=keep)) is not old}
        changed = msgspec.structs.replace(value, **news) if news else value
    elif isinstance(value, dict):
        values = {key: map_text(old, change, keep=keep) for key, old in value.items()}
        changed = values if any(values[key] is not old for key, old in value.items()) else value
    elif isinstance(value, tuple | list | set | frozenset):
        items = [map_text(old, change, keep=keep) for old in value]
        changed = type(value)(items) if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return changed  # type: ignore[no-any-return]
