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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.spec import Form, HookSpec
from carryover.decoders import decoder_of
from carryover.edits import json_text, toml_text
from carryover.text.pattern import later
from carryover.text.user_text import UNKNOWN, EditRefused, Origin, begun, decode, encode, restored

_HOOKS: Final = "hooks"
_VERSION: Final = "version"
VERSION_NOW: Final = 1
"""The only version of the flat form so far (Cursor 1.7 to 3.12)."""

_MARK: Final = "@HOOKS@"
_LINE: Final = later(r"^const HOOKS = (\{.*\});$", re.MULTILINE)
"""Where a program has our hooks, as JSON."""

_MOST_TAKEN: Final = 100
"""The text is read again for each hook that is taken out; in TOML, 200 take 12 s."""

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


class Hooks(msgspec.Struct, frozen=True):
    """Our hooks in settings of one form: how they get in, and out again. All methods raise EditRefused if the settings
    are not in the syntax of the form; comments and trailing commas are accepted, unless a method says otherwise.

    ours = Hooks("nested", owner_by_script(script), (Hook(event="Stop", command=command),))
    after = ours.put(before)
    assert ours.take(after, ours.origin_of(before)) == before
    """

    form: Form
    owner_of: OwnerOf
    wanted: Sequence[Hook] = ()
    """What should be there: one or more, one per event."""
    rules: HookSpec = HookSpec()
    program: str = ""
    """For `extension`: the program, with a mark for the hooks."""

    def put(self, data: bytes | None, origin: Origin = UNKNOWN) -> bytes:
        """Returns the settings with exactly what is wanted as our hooks. `data`: None for a missing file.

        Correct hooks stay untouched, other ones of ours are replaced in place, missing ones are appended, and unwanted
        ones removed. If a person has edited our line for an event, that line stays instead. `origin` matters only if
        `data` contains hooks of ours. Raises EditRefused also if the hooks are laid out in another way, or the agent
        would drop the file.
        """
        bom, text = decode(data or b"")
        if self.form == "extension":
            self._values(text)
            by_event = {hook.event: [self._entry(hook)] for hook in self.wanted}
            return self.program.replace(_MARK, msgspec.json.encode(by_event).decode(), 1).encode()
        text = self._with_version(text) if self.form == "flat" else text
        if (reason := self.drop_reason(text)) is not None:
            raise EditRefused(reason)
        for hook in self.wanted:
            text = self._with_hook(text, hook)
        return bom + encode(self._without_ours(text, origin, keep=self.wanted))

    def take(self, data: bytes, origin: Origin = UNKNOWN) -> bytes | None:
        """Returns the settings without our hooks, and without what is only empty because of that; None to delete the
        file. Undoes `put`, given the origin that was recorded before it."""
        bom, text = decode(data)
        if self.form == "extension":  # the file is ours; one that is not holds none of our hooks
            is_ours = any(found.owner == "ours" for found in self.found(data))
            return data if not is_ours else encode(origin.blank) if origin.blank is not None else None
        text = self._without_ours(text, origin)
        left = self._values(text)
        version_is_ours = self.form == "flat" and (origin.unversioned or origin.began_empty)
        if version_is_ours and left.get(_VERSION) == VERSION_NOW and not any(self._groups(left)):
            text = json_text.take(text, (_VERSION,))
        is_empty = not text.strip() if self.form == "tables" else json_text.is_blank(text)
        return restored(bom, text, origin, is_empty=is_empty)

    def origin_of(self, data: bytes | None, known: Origin | None = None) -> Origin:
        """Returns what to record before `put(data)`. `known`: recorded before the hooks now in `data` were added."""
        if (new := begun(data)) is not None:
            return new
        settings = self._values(decode(data or b"")[1])
        ours = any(found.owner == "ours" for found in self._found(settings))
        before = known if known is not None and ours else UNKNOWN
        if self.form == "tables":
            return before
        hooks = settings.get(_HOOKS)
        empty = [_HOOKS] if hooks == {} else []
        empty += [f"{_HOOKS}.{event}" for event, groups in _events(settings) if groups == []]
        return msgspec.structs.replace(
            before,
            empty=(*before.empty, *(place for place in empty if place not in before.empty)),
            unversioned=before.unversioned or (self.form == "flat" and _VERSION not in settings),
        )

    def found(self, data: bytes) -> tuple[FoundHook, ...]:
        """Returns every command hook in the settings, in order."""
        return tuple(self._found(self._values(decode(data)[1])))

    def owners(self, data: bytes) -> set[Owner]:
        """Returns whose hooks the settings contain: ours, others, or both. A line of ours that a person edited counts
        as theirs."""
        settings = self._values(decode(data)[1])
        number = sum(len(handlers) for _, _, handlers, _ in self._groups(settings))
        mine = sum(found.owner == "ours" for found in self._found(settings))
        owners: set[Owner] = {"ours"} if mine else set()
        return owners | {"others"} if number > mine else owners

    def drop_reason(self, text: str) -> str | None:
        """Returns why the agent ignores all hooks of a file, as a clause; None if it does not, as far as known. Raises
        EditRefused also if it has comments although the rules forbid them."""
        settings = self._values(text)
        if self.form in ("tables", "extension") or not text.strip():
            return None
        if not self.rules.comments:
            json_text.check_strict(text)
        return self.rules.drops(settings) if self.rules.drops is not None else None

    def _values(self, text: str) -> dict[str, Any]:
        if self.form == "extension":
            return {_HOOKS: _in_program(text)}
        return toml_text.values(text) if self.form == "tables" else json_text.values(text)

    def _found(self, settings: Mapping[str, Any]) -> Iterator[FoundHook]:
        for event, group, handlers, matcher in self._groups(settings):
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
                owner = self.owner_of(command)
                yield FoundHook(hook=hook, owner=owner, group=group, number=number, siblings=len(handlers))

    def _groups(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, int, list[Any], object]]:
        """Yields each group of hooks: its event, its index there, its hooks of any kind, its matcher. Without groups,
        each hook counts as one."""
        for event, entries in _events(settings):
            for number, entry in enumerate(entries if isinstance(entries, list) else ()):
                group = entry if isinstance(entry, dict) else {}
                handlers = [entry] if self.form in _UNGROUPED else group.get(_HOOKS)
                yield event, number, handlers if isinstance(handlers, list) else [], group.get("matcher")

    def _entry(self, hook: Hook) -> dict[str, Any]:
        matcher = {} if hook.matcher is None else {"matcher": hook.matcher}
        name = {} if hook.name is None else {"name": hook.name}
        timeout = {} if hook.timeout is None else {"timeout": hook.timeout}
        if self.form == "plain":
            return {"command": hook.command, "show_output": False}
        if self.form in _UNGROUPED:
            return matcher | name | {"command": hook.command} | timeout
        return matcher | {_HOOKS: [{"type": "command"} | name | {"command": hook.command} | timeout]}

    def _with_hook(self, text: str, hook: Hook) -> str:
        put = toml_text.put if self.form == "tables" else json_text.put
        present = [found for found in self._found(self._values(text)) if found.hook.event == hook.event]
        mine = [found for found in present if found.owner == "ours"]
        if any(found.hook == hook for found in mine) or any(found.owner == "edited" for found in present):
            return text
        alone = next((found.group for found in mine if found.siblings == 1), None)
        return put(text, (_HOOKS, hook.event, alone), self._entry(hook))

    def _without_ours(self, text: str, origin: Origin, keep: Sequence[Hook] = ()) -> str:
        """Returns the text without our hooks, except the first that equals each of `keep`."""
        take = toml_text.take if self.form == "tables" else json_text.take
        kept: set[Hook] = set()
        doomed = []
        for found in self._found(self._values(text)):
            if found.hook in keep and found.hook not in kept:
                kept.add(found.hook)
            elif found.owner == "ours":
                doomed.append(found)
        if len(doomed) > _MOST_TAKEN:
            raise EditRefused(f"Carryover's hooks are there {len(doomed)} times too often")
        gone: Counter[tuple[str, int]] = Counter()
        for found in reversed(doomed):  # the places of those before it stay the same
            group = found.hook.event, found.group
            left = msgspec.structs.replace(found, siblings=found.siblings - gone[group])
            text = take(text, left.path, origin.empty)
            gone[group] += 1
        return text

    def _with_version(self, text: str) -> str:
        """Returns the text with a version, unless that would activate other people's hooks of any kind."""
        settings = json_text.values(text)
        hooks = list(self._found(settings))
        others = len(hooks) < sum(1 for _ in self._groups(settings)) or any(found.owner == "others" for found in hooks)
        return text if others or _VERSION in settings else json_text.put(text, (_VERSION,), VERSION_NOW)


def _events(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields the members of `hooks`. Only lists are events, which excludes Codex's `hooks.state`."""
    events = settings.get(_HOOKS)
    yield from events.items() if isinstance(events, dict) else ()


def _in_program(text: str) -> dict[str, Any]:
    """Returns the hooks in such a program by event; none if the file is empty. Raises EditRefused if it is another."""
    found = _LINE.search(text)
    if found is None and text.strip():
        raise EditRefused("Carryover did not write it")
    try:
        return decoder_of(dict[str, Any]).decode(found[1].encode()) if found is not None else {}
    except msgspec.MsgspecError as error:
        raise EditRefused("its hooks can't be read") from error


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


@lru_cache(16)
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
