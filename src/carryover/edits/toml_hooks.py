"""Our hooks as tables in an agent's TOML settings. Pure: bytes in, bytes out, every other byte kept.

The layout is that of Codex's config.toml (0.169.0), which also records the user's reviews (`hooks.state`):

    [[hooks.SessionStart]]
    matcher = "startup|resume"

    [[hooks.SessionStart.hooks]]
    type = "command"
    command = "..."
    timeout = 5

Tables are inserted and removed as the text that we write, since tomlkit would not keep every byte around tables, or
tables that are out of order. Any other layout (`SessionStart = [...]`) is edited by tomlkit. Either way the result is
parsed again, and the edit is refused unless it means exactly what it should.
"""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import tomlkit
from tomlkit.items import AoT

from carryover.edits.encoding import EditRefused, decode, encode, newline_of
from carryover.edits.hook_command import OwnerOf
from carryover.edits.hooks import HOOKS, UNKNOWN, FoundHook, Hook, Origin, found_hooks

_INLINE: Final = "its hooks are written in a form that can't be edited without touching the rest"


def with_hooks(data: bytes | None, wanted: Sequence[Hook], owner_of: OwnerOf) -> bytes:
    """Returns the settings with exactly `wanted` as our hooks, as `carryover.edits.json_hooks.with_hooks` does.

    Raises:
        EditRefused: it is not TOML in UTF-8, or its hooks are written in another way than above.
    """
    bom, text = decode(data or b"")
    parsed(text)
    for hook in wanted:
        text = _with_hook(text, hook, owner_of)
    return bom + encode(_without_ours(text, owner_of, keep=wanted))


def without_hooks(data: bytes, owner_of: OwnerOf, origin: Origin = UNKNOWN) -> bytes | None:
    """Returns the settings without our hooks; None to delete the file. Undoes `with_hooks`.

    Raises:
        EditRefused: as for `with_hooks`.
    """
    bom, text = decode(data)
    text = _without_ours(text, owner_of)
    return None if origin.missing and not text.strip() else bom + encode(text)


def origin_of(data: bytes | None, owner_of: OwnerOf, known: Origin | None = None) -> Origin:
    """Returns what to record before `with_hooks(data)`. `known`: recorded before the hooks now in `data` were added.

    Raises:
        EditRefused: it is not TOML in UTF-8.
    """
    if data is None:
        return Origin(missing=True)
    return known if known is not None and _ours(decode(data)[1], owner_of) else Origin()


def parsed(text: str) -> dict[str, Any]:
    """Parses the text. Floats stay text, since NaN does not equal itself.

    Raises:
        EditRefused: it is not TOML.
    """
    try:
        return tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError) as error:  # even for a number with thousands of digits
        raise EditRefused(f"it is not valid TOML: {error}") from error


def _ours(text: str, owner_of: OwnerOf) -> list[FoundHook]:
    return [found for found in found_hooks(parsed(text), owner_of) if found.owner == "ours"]


def _with_hook(text: str, hook: Hook, owner_of: OwnerOf) -> str:
    present = [found for found in found_hooks(parsed(text), owner_of) if found.hook.event == hook.event]
    mine = [found for found in present if found.owner == "ours"]
    if any(found.hook == hook for found in mine) or any(found.owner == "edited" for found in present):
        return text
    for found in mine:
        if found.siblings == 1:  # the group has no hooks of others
            return _replaced(text, found, hook)
    return _appended(text, hook, owner_of)


def _appended(text: str, hook: Hook, owner_of: OwnerOf) -> str:
    newline = newline_of(text)
    gap = "" if not text else newline if text.endswith("\n") else newline * 2
    ending = newline if not text or text.endswith("\n") else ""
    after = _edited(
        text,
        hook,
        lambda settings: settings.setdefault(HOOKS, {}).setdefault(hook.event, []).append(_group(hook)),
        [text + gap + newline.join(_lines(hook)) + ending],
    )
    [ours] = [found for found in _ours(after, owner_of) if found.hook == hook]
    if _without(after, ours) != text:
        raise EditRefused(_INLINE)
    return after


def _replaced(text: str, found: FoundHook, hook: Hook) -> str:
    def edit(settings: Any) -> None:
        settings[HOOKS][hook.event][found.group] = _group(hook)

    block = newline_of(text).join(_lines(hook))
    return _edited(text, hook, edit, (text[:at] + block + text[end:] for at, end in _blocks(text, _lines(found.hook))))


def _without_ours(text: str, owner_of: OwnerOf, keep: Sequence[Hook] = ()) -> str:
    """Returns the text without our hooks, except the first that equals each of `keep`."""
    while doomed := _doomed(text, owner_of, keep):
        text = _without(text, max(doomed, key=lambda found: _last_block(text, found)))
    return text


def _doomed(text: str, owner_of: OwnerOf, keep: Sequence[Hook]) -> list[FoundHook]:
    kept: set[Hook] = set()
    doomed = []
    for found in _ours(text, owner_of):
        if found.hook in keep and found.hook not in kept:
            kept.add(found.hook)
        else:
            doomed.append(found)
    return doomed


def _without(text: str, found: FoundHook) -> str:
    def edit(settings: Any) -> None:
        groups = settings[HOOKS][found.hook.event]
        if found.siblings > 1:
            del groups[found.group][HOOKS][found.number]
        else:
            del groups[found.group]
        if not groups and isinstance(groups, AoT):
            del settings[HOOKS][found.hook.event]

    tables = (cut(text, *bounds) for bounds in _blocks(text, _own_lines(found)))
    item = _item(found.hook)
    return _edited(text, found.hook, edit, chain(tables, (text.replace(each, "", 1) for each in (f", {item}", item))))


def _edited(text: str, hook: Hook, edit: Callable[[Any], None], candidates: Iterable[str]) -> str:
    """Returns the first of `candidates` that means the same as the settings after `edit`; else tomlkit's result."""
    wanted = parsed(text)
    try:
        edit(wanted)
    except (AttributeError, TypeError) as error:
        raise EditRefused(f'"{HOOKS}.{hook.event}" is something other than a list of tables') from error
    for after in chain(candidates, by_tomlkit(text, edit)):
        if _means(after, wanted):
            return after
    raise EditRefused(_INLINE)


def by_tomlkit(text: str, edit: Callable[[Any], None]) -> Iterator[str]:
    """Yields the text as tomlkit edits it; nothing if tomlkit gives up."""
    with contextlib.suppress(tomlkit.exceptions.TOMLKitError, AttributeError, LookupError, TypeError, ValueError):
        document = tomlkit.parse(text)
        edit(document)
        yield tomlkit.dumps(document)


def _means(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return _stated(parsed(text)) == _stated(wanted)
    except EditRefused:
        return False


def _stated(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the settings without empty lists of hooks and empty `hooks`, which may be removed with ours."""
    hooks = settings.get(HOOKS)
    if not isinstance(hooks, dict):
        return settings
    stated = {event: groups for event, groups in hooks.items() if groups != []}
    others = {key: value for key, value in settings.items() if key != HOOKS}
    return {**others, HOOKS: stated} if stated else others


def _blocks(text: str, lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    block = newline_of(text).join(lines)
    at = text.rfind(block)
    while at >= 0:
        end = at + len(block)
        if (at == 0 or text[at - 1] == "\n") and re.match(r"\r?\n|\Z", text[end:]):
            yield at, end
        at = text.rfind(block, 0, end - 1)


def _last_block(text: str, found: FoundHook) -> int:
    return max((at for at, _ in _blocks(text, _own_lines(found))), default=-1)


def cut(text: str, start: int, end: int) -> str:
    """Returns the text without a block of lines and the blank line before it, or after it if nothing precedes it."""
    newline = newline_of(text)
    end += len(newline) if text.startswith(newline, end) else 0
    before = _chopped(text, start)
    if before > 0 and text[:before].endswith("\n"):
        start = before
    if end == len(text) and not text.endswith("\n"):
        start = _chopped(text, start)
    if start == 0:
        end += len(newline) if text.startswith(newline, end) else 0
    return text[:start] + text[end:]


def _chopped(text: str, end: int) -> int:
    return end - 2 if text.endswith("\r\n", 0, end) else end - 1 if text.endswith("\n", 0, end) else end


def _group(hook: Hook) -> dict[str, Any]:
    timeout = {} if hook.timeout is None else {"timeout": hook.timeout}
    matcher = {} if hook.matcher is None else {"matcher": hook.matcher}
    return matcher | {HOOKS: [{"type": "command", "command": hook.command} | timeout]}


def _lines(hook: Hook) -> list[str]:
    matcher = [] if hook.matcher is None else [f"matcher = {string(hook.matcher)}"]
    return [f"[[{HOOKS}.{hook.event}]]", *matcher, "", *_handler_lines(hook)]


def _own_lines(found: FoundHook) -> list[str]:
    """Returns what is removed with a hook: its group, unless that contains hooks of others."""
    return _lines(found.hook) if found.siblings == 1 else _handler_lines(found.hook)


def _handler_lines(hook: Hook) -> list[str]:
    timeout = [] if hook.timeout is None else [f"timeout = {hook.timeout}"]
    return [f"[[{HOOKS}.{hook.event}.{HOOKS}]]", 'type = "command"', f"command = {string(hook.command)}", *timeout]


def _item(hook: Hook) -> str:
    """Returns a group as an item of an array, as versions up to 0.1 wrote it."""
    matcher = "" if hook.matcher is None else f"matcher = {string(hook.matcher)}, "
    timeout = "" if hook.timeout is None else f", timeout = {hook.timeout}"
    return f'{{ {matcher}{HOOKS} = [{{ type = "command", command = {string(hook.command)}{timeout} }}] }}'


def string(value: str) -> str:
    """Returns a TOML string. JSON escapes differ only for DEL and lone surrogates, which our paths never contain."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
