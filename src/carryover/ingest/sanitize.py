"""Turns an adapter's events into what the ledger may store: hides secrets, cuts long tool output, corrects times and
file paths. This happens once, when a record is read: the stored form is final, even if clocks or links change later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import NoneType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from carryover.adapter.contract import CONTEXT_NAMES
from carryover.ledger.batch import ReadyEvent
from carryover.model import (
    Answer,
    AnyBody,
    Event,
    Op,
    QueuedPrompt,
    Retracted,
    SessionInfo,
    TokensUsed,
    ToolResult,
    UserPrompt,
    with_paths,
)
from carryover.platform import here
from carryover.redact import redact
from carryover.redact.printed import hide_printed, holds_only_a_secret
from carryover.redact.values import is_opaque
from carryover.text.harmless import without_tagged
from carryover.text.pattern import later

_T = TypeVar("_T")
_IDS: Final = frozenset({"call_id", "task_id"})
_NONE: Final[frozenset[str]] = frozenset()
_TOKENS: Final = ("input", "output", "cache_read", "cache_write")
_MOST_TOKENS: Final = 1 << 40
"""More than any answer takes. SQLite's sums of greater numbers could overflow."""
_KEY_IN_HEX: Final = later(r"(?:0x)?(?:[0-9a-f]{32}){1,2}")
"""Many providers' keys. Of a commit it has 40 digits, and other hashes have words beside them."""
_KEY: Final = later(r"[A-Za-z0-9_+/=-]{20,256}")
_ID: Final = later(r"0[0-7][0-9A-HJKMNP-TV-Z]{24}|[A-Z]{2,8}(?:-[0-9A-F]{4,12}){2,6}")
"""A ULID, or what a program calls a record: `MSG-4F2A-88B1-C0DE-9D1E`."""
_IN_NAME: Final = later(r"(?<![^/_-])(?:[A-Za-z][a-z]{2,}|[A-Z]{3,})(?![^/_-])")
"""A word in a name of a branch, folder or model: `codex/fix-cart-total-8f3k2d`, `DeepSeek-R1-Distill-Qwen-7B`."""
_FACT_CHARS: Final = 1_000
"""Characters kept of a title, a branch and the like, which each list of sessions reads."""
_WITHOUT_TEXT: Final = frozenset({int, float, bool, bytes, NoneType, Ellipsis})


def clean_entries(agent: str, events: Iterable[Event]) -> list[ReadyEvent]:
    """Returns the events as they are stored, each with the number of secrets hidden in it."""
    cleaned = [_cleaned(event) for event in events]
    # One after the other, with nothing else in between: the compressor's tables then stay in the processor's cache.
    return [_entry(agent, *each) for each in cleaned]


def clean_entry(agent: str, event: Event) -> ReadyEvent:
    """Returns one event as it is stored, see `clean_entries`."""
    return _entry(agent, *_cleaned(event))


def _cleaned(event: Event) -> tuple[Event, Event, dict[str, int]]:
    """Returns an event, the same without secrets, and how many of each kind were hidden."""
    counts: dict[str, int] = {}
    body = clean_body(event.body, counts)
    return event, event if body is event.body else msgspec.structs.replace(event, body=body), counts


def _entry(agent: str, event: Event, cleaned: Event, counts: dict[str, int]) -> ReadyEvent:
    entry = _encoded_entry(agent, cleaned, counts)
    if cleaned is not event and isinstance(cleaned.body, Retracted):
        # A key that was redacted no longer identifies an event.
        own = _encoded_entry(agent, event, counts)
        return msgspec.structs.replace(entry, retracts=own.retracts, restores=own.restores)
    return entry


def _encoded_entry(agent: str, event: Event, counts: dict[str, int]) -> ReadyEvent:
    try:
        return ReadyEvent.of(agent, event, counts)
    except UnicodeEncodeError:
        return ReadyEvent.of(agent, map_text(event, without_lone_surrogates, keep=_NONE), counts)


def clean_body(body: AnyBody, counts: dict[str, int]) -> AnyBody:
    """Returns the body without secrets and with its output bounded. Counts the secrets by kind in `counts`."""

    def hide(text: str) -> str:
        hidden, found = redact(text)
        for kind, count in found.items():
            counts[kind] = counts.get(kind, 0) + count
        return hidden

    def hide_all(text: str) -> str:
        return hide_printed(hide(text), counts)

    if isinstance(body, ToolResult) and body.output:
        is_file = body.op == "read"
        is_secret = (is_file or body.op == "shell") and holds_only_a_secret(body.subject, is_file=is_file)
        output, dropped = bound_output(body.output, hide_all if is_secret else hide)
        body = map_text(body, hide, keep=_IDS | {"output"})
        if output is not body.output:
            return msgspec.structs.replace(body, output=output, dropped=body.dropped + dropped)
        return body
    if isinstance(body, SessionInfo) and body.title:
        body = msgspec.structs.replace(body, title=without_tagged(body.title) or None)
    body = map_text(body, hide)
    if isinstance(body, SessionInfo):
        return map_text(body, lambda text: text if len(text) <= _FACT_CHARS else text[:_FACT_CHARS])
    if isinstance(body, UserPrompt | QueuedPrompt | Answer) and _is_only_a_key(body.text.strip()):  # it was asked for
        counts["secret"] = counts.get("secret", 0) + 1
        body = msgspec.structs.replace(body, text="[redacted:secret]")
    return body


def _is_only_a_key(text: str) -> bool:
    is_random = _KEY.fullmatch(text) is not None and is_opaque(text, or_hash=False) and not _ID.fullmatch(text)
    return (is_random and len(_IN_NAME.findall(text)) < 2) or _KEY_IN_HEX.fullmatch(text) is not None


def clean_tokens(used: TokensUsed, now_ms: int) -> TokensUsed:
    """Returns the tokens as they are stored: no secret in the model's name, no time in the future, no absurd number."""
    model = None if used.model is None else without_lone_surrogates(redact(used.model)[0])
    numbers = {name: min(max(getattr(used, name), 0), _MOST_TOKENS) for name in _TOKENS}
    return msgspec.structs.replace(used, model=model, at_ms=min(used.at_ms, now_ms), **numbers)


def clean_context(context: msgspec.Struct) -> bytes:
    """Encodes an adapter's context with its secrets hidden. Paths and ids stay: a folder's name may look like a key."""
    return _encoded(map_text(context, lambda text: redact(text)[0], keep=CONTEXT_NAMES))


def context_without_text(context: msgspec.Struct) -> bytes:
    """Returns an adapter's context with only its paths and ids, because its content is to be forgotten."""
    return _encoded(map_text(context, lambda _: "", keep=CONTEXT_NAMES))


def _encoded(context: msgspec.Struct) -> bytes:
    try:
        return msgspec.json.encode(context)
    except UnicodeEncodeError:
        return msgspec.json.encode(map_text(context, without_lone_surrogates, keep=_NONE))


def without_lone_surrogates(text: str) -> str:
    """Returns `text` with `?` for lone surrogates, which JSON can contain but UTF-8 cannot."""
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


def map_text(value: _T, change: Callable[[str], str], *, keep: frozenset[str] = _IDS) -> _T:
    """Returns `value` with `change` applied to all text but keys and fields in `keep`; the very same object if nothing
    changed, which callers test with `is`."""
    mapped: Any = _mapped(value, change, keep)
    return mapped  # type: ignore[no-any-return]


def _mapped(value: Any, change: Callable[[str], str], keep: frozenset[str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, msgspec.Struct):
        return _map_struct(value, change, keep)
    if isinstance(value, dict):
        values = {key: _mapped(old, change, keep) for key, old in value.items()}
        is_same = all(values[key] is old for key, old in value.items())
        return value if is_same else values
    if isinstance(value, tuple | list | set | frozenset):
        items = [_mapped(old, change, keep) for old in value]
        is_same = all(new is old for new, old in zip(items, value, strict=True))
        return value if is_same else type(value)(items)
    return value


def _map_struct(value: msgspec.Struct, change: Callable[[str], str], keep: frozenset[str]) -> msgspec.Struct:
    changes: dict[str, Any] = {}
    for name in _text_fields(type(value), keep):
        old = getattr(value, name)
        if old is None:
            continue
        new = change(old) if type(old) is str else _mapped(old, change, keep)
        if new is not old:
            changes[name] = new
    return msgspec.structs.replace(value, **changes) if changes else value


HEAD_CHARS: Final = 1500
TAIL_CHARS: Final = 4500
_REDACT_CHARS: Final = 1 << 16
"""How many characters at each end of a long output are searched for secrets that may reach into the kept part."""
_CUT_CHARS: Final = 1 << 13
"""So near to where the text that is searched ends, half a secret may stand."""
_MARK_CHARS: Final = 60
_LEFT_OUT: Final = later(r"\n\[\.\.\. \d{1,20} characters left out \.\.\.\]\n")


def bound_output(output: str, hide: Callable[[str], str]) -> tuple[str, int]:
    """Returns the redacted head and tail of `output` around a line about the omission, and the number of omitted chars.

    `hide` redacts before the cut, since half a secret can't be recognised. What is far from both ends is not searched:
    if so much is hidden that the kept part would reach up to there, the line goes that this cuts in two.
    """
    between, limit = max(0, len(output) - 2 * _REDACT_CHARS), HEAD_CHARS + TAIL_CHARS
    if between == 0:
        first = last = hide(output)
        if len(first) <= limit or (len(first) <= limit + _MARK_CHARS and _LEFT_OUT.search(first)):
            return first, 0  # an output that an export repeats is not cut a second time
    else:
        first, last = hide(output[:_REDACT_CHARS]), hide(output[-_REDACT_CHARS:])
        if len(first) < HEAD_CHARS + _CUT_CHARS:
            first = first.rpartition("\n")[0]
        if len(last) < TAIL_CHARS + _CUT_CHARS:
            last = last.partition("\n")[2]
    head, tail = first[:HEAD_CHARS], last[-TAIL_CHARS:]
    searched = len(first) if first is last else len(first) + len(last)
    dropped = searched + between - len(head) - len(tail)
    return f"{head}\n[... {dropped} characters left out ...]\n{tail}", dropped


TOLERANCE_MS: Final = 120_000
"""A time this far ahead is accepted as it is: clocks of containers and virtual machines differ by that much."""


def with_bounded_times(events: Sequence[Event], *, now_ms: int, written_ms: int) -> list[Event]:
    """Returns the `events` of one read, in order, with no time missing or in the future.

    A future time is replaced by the record's arrival (`written_ms` or now, UTC ms; 0: unknown), a missing one by the
    previous event's. Both stay between the known times of the surrounding events of their session.
    """
    latest_ms = now_ms + TOLERANCE_MS
    arrival_ms = min(now_ms, written_ms) if written_ms > 0 else now_ms
    next_ms: dict[str, int] = {}
    later_ms: list[int | None] = []  # from the last event on, the next plausible time in its session
    for event in reversed(events):
        later_ms.append(next_ms.get(event.session))
        if 0 < event.at_ms <= latest_ms:
            next_ms[event.session] = event.at_ms
    before_ms: dict[str, int] = {}
    bounded = []
    for event, after_ms in zip(events, reversed(later_ms), strict=True):
        at_ms = event.at_ms
        if not 0 < at_ms <= latest_ms:
            earliest_ms = before_ms.get(event.session, 0)
            # Without a time, it gets the previous event's, as in the adapters.
            guess_ms = earliest_ms if at_ms <= 0 and earliest_ms else arrival_ms
            at_ms = max(earliest_ms, guess_ms if after_ms is None else min(guess_ms, after_ms))
        before_ms[event.session] = at_ms
        bounded.append(event if at_ms == event.at_ms else msgspec.structs.replace(event, at_ms=at_ms))
    return bounded


_CHANGES_FILES: Final[frozenset[Op]] = frozenset(("edit", "write"))


class RealPaths:
    """Resolves paths of files below `roots`, the real paths of projects; other files keep their recorded paths."""

    def __init__(self, roots: Iterable[str]) -> None:
        self._tops = tuple({f"{root.rstrip('/')}/" for root in roots if root.startswith("/")})
        self._folders: dict[str, str] = {}

    def of_event(self, event: Event) -> Event:
        """Returns the event with the files that it changes named by their real paths."""
        body = with_paths(event.body, self.of, _CHANGES_FILES)
        return event if body is event.body else msgspec.structs.replace(event, body=body)

    def of(self, path: str) -> str:
        """Returns `path` with its folder resolved if that leads into a project; a symlink itself is not resolved."""
        if not path.startswith("/") or "\0" in path or path.startswith(self._tops):
            return path
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = here().canonical(folder)
        real = f"{self._folders[folder].rstrip('/')}/{name}"
        return real if real.startswith(self._tops) else path
