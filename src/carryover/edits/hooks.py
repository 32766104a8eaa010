"""Our hooks in an agent's settings. Pure: bytes in, bytes out, every other byte kept.

    nested  {"hooks": {"<event>": [{"matcher": "...", "hooks": [{"type": "command", "command": "...", "timeout": 5}]}]}}
            (Claude Code 1.0.38 to 2.1.328; Codex 0.114 to 0.169, in a separate file)
    tables  the same in TOML, as `[[hooks.<event>]]` and `[[hooks.<event>.hooks]]` (Codex 0.169, in `config.toml`)
    flat    {"version": 1, "hooks": {"<event>": [{"command": "...", "timeout": 5}]}}
            (Cursor 1.7 to 3.12, in a separate file; both members are required)
    plain   {"hooks": {"<event>": [{"command": "...", "show_output": false}]}}
            (Windsurf since 1.12.41, according to its documentation, in a separate file)
    extension  a program that the agent loads, in which one line holds the same: a file of ours alone

The client may rewrite the file with its keys sorted (Claude Code 2.1.328, once, if `~/.claude.json` turns updates off),
and people may move hooks. So ours are found by their command, wherever they are: one short line per event that never
changes, so that an agent which asks for trust in each changed command asks only once. It contains no address, since one
agent drops settings whose commands do (reported for Cursor).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.spec import Form, HookSpec
from carryover.decoders import decoder_of
from carryover.edits import json_text, toml_text
from carryover.text.user_text import UNKNOWN, EditRefused, Origin, begun, decode, encode, restored

_HOOKS: Final = "hooks"
_VERSION: Final = "version"
VERSION_NOW: Final = 1
"""The only version of the flat form so far (Cursor 1.7 to 3.12)."""

_MARK: Final = "@HOOKS@"
_LINE: Final = re.compile(r"^const HOOKS = (\{.*\});$", re.MULTILINE)
"""Where a program has our hooks, as JSON."""

_UNGROUPED: Final[tuple[Form, ...]] = ("flat", "plain", "extension")
"""Forms in which an event's list contains the hooks themselves."""


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A hook in the form in which we write it."""

    event: str
    command: str
    name: str | None = None
    """The name that the agent shows while the hook runs; None writes none."""
    matcher: str | None = None
    """The event's matcher; None writes none."""
    timeout: int | None = None
    """Time limit in the unit of the agent's settings; None leaves the default."""


class FoundHook(msgspec.Struct, frozen=True, kw_only=True):
    """A command hook found in the settings; `hook` has the fields that we would write too."""

    hook: Hook
    owner: Owner
    group: int
    """Index of its group in the event."""
    number: int
    """Index in its group; always 0 if there are no groups."""
    siblings: int
    """Number of hooks in its group, of any kind."""

    @property
    def path(self) -> tuple[str | int, ...]:
        """The path of what is removed with the hook: its group, unless the group contains other hooks."""
        group = (_HOOKS, self.hook.event, self.group)
        return group if self.siblings == 1 else (*group, _HOOKS, self.number)


def with_hooks(
    data: bytes | None,
    wanted: Sequence[Hook],
    owner_of: OwnerOf,
    *,
    form: Form,
    origin: Origin = UNKNOWN,
    rules: HookSpec | None = None,
) -> bytes:
    """Returns the settings with exactly `wanted` as our hooks: one or more, one per event. `data`: None for a missing
    file.

    Correct hooks stay untouched, other ones of ours are replaced in place, missing ones are appended, and unwanted ones
    removed. If a person has edited our line for an event, that line stays instead. `origin` matters only if `data`
    contains hooks of ours. Raises EditRefused if it is not in the syntax of the form (strict JSON, unless `rules` allow
    comments), the hooks are laid out in another way, or the agent would drop the file.
    """
    bom, text = decode(data or b"")
    text = _with_version(text, owner_of) if form == "flat" else text
    if (reason := drop_reason(text, form=form, rules=rules)) is not None:
        raise EditRefused(reason)
    for hook in wanted:
        text = _with_hook(text, hook, owner_of, form)
    return bom + encode(_without_ours(text, owner_of, form, origin, keep=wanted))


def without_hooks(data: bytes, owner_of: OwnerOf, origin: Origin = UNKNOWN, *, form: Form) -> bytes | None:
    """Returns the settings without our hooks, and without what is only empty because of that; None to delete the file.

    Undoes `with_hooks`, given the origin that was recorded before it. Raises EditRefused if it is not in the syntax of
    the form; comments and trailing commas are accepted.
    """
    bom, text = decode(data)
    if form == "extension":  # the file is ours; one that is not holds none of our hooks
        return None if any(found.owner == "ours" for found in hooks_of(data, owner_of, form=form)) else data
    text = _without_ours(text, owner_of, form, origin)
    left = _values(text, form)
    version_is_ours = form == "flat" and (origin.unversioned or origin.began_empty)
    if version_is_ours and left.get(_VERSION) == VERSION_NOW and not any(_groups(left, form)):
        text = json_text.remove(text, (_VERSION,))
    is_empty = not text.strip() or (form != "tables" and not _values(text, form))
    return restored(bom, text, origin, is_empty=is_empty)


def edited_from(data: bytes | None, owner_of: OwnerOf, known: Origin | None = None, *, form: Form) -> Origin:
    """Returns what to record before `with_hooks(data)`. `known`: recorded before the hooks now in `data` were added.
    Raises EditRefused as `without_hooks` does."""
    if (new := begun(data)) is not None:
        return new
    settings = _values(decode(data or b"")[1], form)
    ours = any(found.owner == "ours" for found in found_hooks(settings, owner_of, form))
    before = known if known is not None and ours else UNKNOWN
    if form == "tables":
        return before
    hooks = settings.get(_HOOKS)
    empty = [_HOOKS] if hooks == {} else []
    empty += [f"{_HOOKS}.{event}" for event, groups in _events(settings) if groups == []]
    return msgspec.structs.replace(
        before,
        empty=(*before.empty, *(place for place in empty if place not in before.empty)),
        unversioned=before.unversioned or (form == "flat" and _VERSION not in settings),
    )


def hooks_of(data: bytes, owner_of: OwnerOf, *, form: Form = "nested") -> tuple[FoundHook, ...]:
    """Returns every command hook in the settings. Raises EditRefused."""
    return tuple(found_hooks(_values(decode(data)[1], form), owner_of, form))


def hook_owners(data: bytes, owner_of: OwnerOf, *, form: Form) -> set[Owner]:
    """Returns whose hooks the settings contain: ours, others, or both. A line of ours that a person edited counts as
    theirs. Raises EditRefused."""
    settings = _values(decode(data)[1], form)
    number = sum(len(handlers) for _, _, handlers, _ in _groups(settings, form))
    mine = sum(found.owner == "ours" for found in found_hooks(settings, owner_of, form))
    owners: set[Owner] = {"ours"} if mine else set()
    return owners | {"others"} if number > mine else owners


def drop_reason(text: str, *, form: Form, rules: HookSpec | None) -> str | None:
    """Returns why the agent ignores all hooks of a file, as a clause; None if it does not, as far as known. Raises
    EditRefused if it is not in the syntax of the form, or has comments although `rules` forbid them."""
    settings = _values(text, form)
    if form in ("tables", "extension") or not text.strip():
        return None
    if rules is None or not rules.comments:
        json_text.check_strict(text)
    return rules.drops(settings) if rules is not None and rules.drops is not None else None


def found_hooks(settings: Mapping[str, Any], owner_of: OwnerOf, form: Form) -> Iterator[FoundHook]:
    """Yields every command hook in parsed settings, in order."""
    for event, group, handlers, matcher in _groups(settings, form):
        for number, handler in enumerate(handlers):
            if not isinstance(handler, dict) or not isinstance(command := handler.get("command"), str):
                continue
            timeout = handler.get("timeout")
            name = handler.get("name")
            hook = Hook(
                event=event,
                command=command,
                name=name if isinstance(name, str) else None,
                matcher=matcher if isinstance(matcher, str) else None,
                timeout=timeout if isinstance(timeout, int) and not isinstance(timeout, bool) else None,
            )
            yield FoundHook(hook=hook, owner=owner_of(command), group=group, number=number, siblings=len(handlers))


def _values(text: str, form: Form) -> dict[str, Any]:
    if form == "extension":
        return {_HOOKS: _in_program(text)}
    return toml_text.values(text) if form == "tables" else json_text.values(text)


def _events(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields the members of `hooks`. Only lists are events, which excludes Codex's `hooks.state`."""
    events = settings.get(_HOOKS)
    yield from events.items() if isinstance(events, dict) else ()


def _groups(settings: Mapping[str, Any], form: Form) -> Iterator[tuple[str, int, list[Any], object]]:
    """Yields each group of hooks: its event, its index there, its hooks of any kind, its matcher. Without groups, each
    hook counts as one."""
    for event, entries in _events(settings):
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            group = entry if isinstance(entry, dict) else {}
            handlers = [entry] if form in _UNGROUPED else group.get(_HOOKS)
            yield event, number, handlers if isinstance(handlers, list) else [], group.get("matcher")


def _entry(hook: Hook, form: Form) -> dict[str, Any]:
    matcher = {} if hook.matcher is None else {"matcher": hook.matcher}
    name = {} if hook.name is None else {"name": hook.name}
    timeout = {} if hook.timeout is None else {"timeout": hook.timeout}
    if form == "plain":
        return {"command": hook.command, "show_output": False}
    if form in ("flat", "extension"):
        return matcher | name | {"command": hook.command} | timeout
    return matcher | {_HOOKS: [{"type": "command"} | name | {"command": hook.command} | timeout]}


def in_extension(wanted: Sequence[Hook]) -> dict[str, Any]:
    """Returns the hooks by event, as a program of ours holds them."""
    return {hook.event: [_entry(hook, "extension")] for hook in wanted}


def extension_with_hooks(data: bytes | None, program: str, wanted: Mapping[str, Any]) -> bytes:
    """Returns `program` with the hooks, by event. Raises EditRefused if `data` is a file that is not ours."""
    _in_program(decode(data or b"")[1])
    return program.replace(_MARK, msgspec.json.encode(wanted).decode(), 1).encode()


def _in_program(text: str) -> dict[str, Any]:
    """Returns the hooks in such a program by event; none if the file is empty. Raises EditRefused if it is another."""
    found = _LINE.search(text)
    if found is None and text.strip():
        raise EditRefused("Carryover did not write it")
    try:
        return decoder_of(dict[str, Any]).decode(found[1].encode()) if found is not None else {}
    except msgspec.MsgspecError as error:
        raise EditRefused("its hooks can't be read") from error


def _with_hook(text: str, hook: Hook, owner_of: OwnerOf, form: Form) -> str:
    put = toml_text.put if form == "tables" else json_text.put
    present = [found for found in found_hooks(_values(text, form), owner_of, form) if found.hook.event == hook.event]
    mine = [found for found in present if found.owner == "ours"]
    if any(found.hook == hook for found in mine) or any(found.owner == "edited" for found in present):
        return text
    alone = next((found.group for found in mine if found.siblings == 1), None)
    return put(text, (_HOOKS, hook.event, alone), _entry(hook, form))


def _without_ours(text: str, owner_of: OwnerOf, form: Form, origin: Origin, keep: Sequence[Hook] = ()) -> str:
    """Returns the text without our hooks, except the first that equals each of `keep`."""
    remove = toml_text.remove if form == "tables" else json_text.remove
    kept: set[Hook] = set()
    doomed = []
    for found in found_hooks(_values(text, form), owner_of, form):
        if found.hook in keep and found.hook not in kept:
            kept.add(found.hook)
        elif found.owner == "ours":
            doomed.append(found)
    if not doomed:
        return text
    text = remove(text, doomed[-1].path, origin.empty)
    return _without_ours(text, owner_of, form, origin, keep)


def _with_version(text: str, owner_of: OwnerOf) -> str:
    """Returns the text with a version, unless that would activate other people's hooks of any kind."""
    settings = json_text.values(text)
    hooks = list(found_hooks(settings, owner_of, "flat"))
    others = len(hooks) < sum(1 for _ in _groups(settings, "flat")) or any(found.owner == "others" for found in hooks)
    return text if others or _VERSION in settings else json_text.put(text, (_VERSION,), VERSION_NOW)


SCRIPT: Final = "hook.sh"
"""The script in the state folder that every hook runs."""

Owner = Literal["ours", "edited", "others"]
"""Owner of a hook. `edited`: it runs our script, but the user added something to the line, so it is theirs."""

OwnerOf = Callable[[str], Owner]
"""Returns the owner of a hook's command line."""

_TAIL: Final = r"(\s*2>\s*/dev/null)?(\s*\|\|\s*true)?\s*"


def hook_command(state_root: Path, agent_id: str, event: str) -> str:
    """Returns the command for an agent's settings: it passes the payload on, stays quiet and always succeeds."""
    return f"sh {shlex.quote(str(state_root / SCRIPT))} {agent_id} {event} 2>/dev/null || true"


def owner_by_script(*scripts: Path) -> OwnerOf:
    """Returns a function that recognises our hooks by the script they run, which is one of `scripts`."""
    spellings: list[str] = []  # as a shell command may spell them, longest first
    for script in map(str, scripts):
        spellings += (shlex.quote(script), f"'{script}'", f'"{script}"', script)
    path = "|".join(map(re.escape, spellings))
    own = re.compile(rf"\s*sh\s+(?:{path})(?:\s+[\w-]+){{2}}{_TAIL}")
    mentioned = re.compile(rf"(?<![\w./-])(?:{path})(?![\w./-])")

    def owner_of(command: str) -> Owner:
        if own.fullmatch(command):
            return "ours"
        return "edited" if mentioned.search(command) else "others"

    return owner_of
