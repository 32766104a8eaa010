"""Finds the settings files that hold our hooks, entry or MCP server, and compares them with what should be there.
Reads the files, writes none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from carryover.adapter.spec import LOADS, TIMEOUT_UNITS, Form, InstalledHook, McpServers, UserSetting, places_on
from carryover.agents import specs
from carryover.config import AgentsConfig
from carryover.edits.entries import ListEntry, settings_in
from carryover.edits.hooks import FoundHook, Hook, Hooks, Owner, OwnerOf, hook_command, owner_by_script
from carryover.fsio import is_folder, is_there
from carryover.install.agent_report import EntryReport, HooksReport
from carryover.install.detect import Detection, detect_all
from carryover.install.machine import Machine
from carryover.install.user_settings import settings_bytes, user_settings
from carryover.outside.apply import Edit
from carryover.outside.journal import load_journal
from carryover.outside.listed import Listed
from carryover.paths import StateDir
from carryover.platform import here
from carryover.text.user_text import EditRefused, decode


def settings_file(found: Detection) -> Path | None:
    """Returns the file of an agent's settings that gets hooks or an entry, if the agent is selected; None if none
    does."""
    gets_ours = found.hook_set is not None or bool(found.spec.loads_from)
    return found.config if gets_ours and found.found and found.lost_folder is None else None


def wanted_hooks(found: Detection, script: Path, *former: Path) -> Hooks:
    """Returns the hooks that an agent's settings should have: at most one per event. They run `script`. `former`:
    scripts that hooks of ours ran before."""
    rules = found.spec.hooks
    wanted = tuple(
        Hook(
            event=hook.event,
            command=hook_command(script.parent, found.spec.id, hook.event),
            name=hook.also.get("name"),
            matcher=hook.also.get("matcher"),
            timeout=None if found.form == "plain" else hook.timeout_s * TIMEOUT_UNITS[rules.timeout_unit],
        )
        for hook in (found.hook_set.hooks if found.hook_set is not None else ())
    )
    program = rules.extension.read_text("utf-8") if rules.extension is not None else ""
    return Hooks(found.form, owner_by_script(script, *former), wanted, rules, program)


def hooks_report(seen: Detection, script: Path) -> HooksReport | None:
    """Compares an agent's hooks with the ones its settings should contain. If it should have none, the report only says
    what prevents them, if anything."""
    off = settings_of(seen, "off")
    config = settings_file(seen) if not seen.spec.loads_from else None
    if config is None and (not seen.found or off is None):
        return None
    by, file = (off.by, str(off.at)) if off is not None else (None, None)
    report = HooksReport(switched_off=off is not None, switched_off_by=by, switched_off_in=file)
    if config is None:
        return report
    try:
        return _compared(report, seen, config, script)
    except (OSError, EditRefused) as error:
        return msgspec.structs.replace(report, problem=_unreadable(config, error))


def entry_report(seen: Detection) -> EntryReport | None:
    """Checks that the settings contain the entry that makes the agent load the handoff; None if they need none."""
    config = settings_file(seen) if seen.spec.loads_from else None
    if config is None:
        return None
    entry = ListEntry(LOADS, seen.spec.loaded_file)
    report = EntryReport(entry=str(entry.value), key=entry.key)
    try:
        return msgspec.structs.replace(report, present=entry.is_in(settings_bytes(config) or b""))
    except (OSError, EditRefused) as error:
        return msgspec.structs.replace(report, problem=_unreadable(config, error))


def _unreadable(config: Path, error: OSError | EditRefused) -> str:
    if isinstance(error, OSError):
        return f"{config} can't be read ({error.strerror})."
    return f"{config} can't be used: {error}."


def _compared(report: HooksReport, seen: Detection, config: Path, script: Path) -> HooksReport:
    data, hooks = settings_bytes(config), wanted_hooks(seen, script)
    there: dict[str, list[Hook]] = {}
    for found in _ours(hooks, data or b""):
        there.setdefault(found.hook.event, []).append(found.hook)
    by_event = {hook.event: hook for hook in hooks.wanted}
    present = tuple(event for event, hook in by_event.items() if there.get(event) == [hook])
    edited = tuple(event for event in dict.fromkeys((*by_event, *there)) if event in there and event not in present)
    return msgspec.structs.replace(
        report,
        present=present,
        missing=tuple(event for event in by_event if event not in there),
        edited=edited,
        dropped=hooks.drop_reason(decode(data or b"")[1]),
        to_review=to_review(seen, data, script),
    )


def settings_of(seen: Detection, kind: str, hook: InstalledHook | None = None) -> UserSetting | None:
    """Returns the first of the user's settings of an agent that is of that kind (see `UserSetting`)."""
    release = seen.version.release if seen.version is not None else ()
    found = user_settings(seen.spec, seen.home, seen.overrides, version=release, hook=hook)
    return next((setting for setting in found if setting.kind == kind), None)


def review_of(seen: Detection) -> str | None:
    """Returns what the user has to do before this version runs a new hook, in sentences; None for nothing."""
    review = settings_of(seen, "review", InstalledHook((), "", 0, 0))
    return review.by if review is not None else None


def to_review(found: Detection, data: bytes | None, script: Path, *, edit: Edit | None = None) -> tuple[str, ...]:
    """Returns the events of our hooks in `data`, an agent's settings, that the agent has no record of a review for.

    `edit` is the edit that has just written `data`. Hooks that it added or changed must be reviewed even if there is
    such a record, since that is about the hook they replaced. Raises EditRefused if the settings cannot be read.
    """
    if found.config is None or data is None or review_of(found) is None:
        return ()
    files = (found.config, Path(os.path.realpath(found.config)))
    brought = edit is not None and edit.changes
    hooks = wanted_hooks(found, script)
    known = {_place(hook) for hook in _ours(hooks, edit.before)} if edit is not None and edit.before else set()

    def waits(hook: FoundHook) -> bool:
        is_new = brought and _place(hook) not in known
        place = InstalledHook(files, hook.hook.event, hook.group, hook.number)
        return is_new or settings_of(found, "review", place) is not None

    return tuple(dict.fromkeys(hook.hook.event for hook in _ours(hooks, data) if waits(hook)))


def _ours(hooks: Hooks, data: bytes) -> list[FoundHook]:
    return [hook for hook in hooks.found(data) if hook.owner != "others"]


def _place(hook: FoundHook) -> tuple[object, ...]:
    return hook.hook, hook.group, hook.number


def usual_files(home: Path, env: Mapping[str, str], script: Path) -> Iterator[Listed]:
    """Yields every file on this platform that may contain an agent's hooks or our MCP server, as if it were listed."""
    for spec in specs():
        for place in places_on(spec.hooks.config_files, here().name):
            form: Form = "tables" if place.is_toml else spec.hooks.form
            yield Listed(path=str(place.at(home, env)), agent=spec.id, form=form, script=str(script))
        for servers in spec.mcp:
            for path in server_files(servers, home, env):
                yield Listed(path=str(path), agent=spec.id, form="server", key=servers.key)


def agents_here(state: StateDir, agents: AgentsConfig) -> tuple[Detection, ...]:
    """Looks for all agents, with `config` set to the file that our hooks or entry belong in. Raises UserError if the
    journal can't be read."""
    scripts = {state.hook_script, *(Path(file.script) for file in load_journal(state).settings if file.script)}
    detections = detect_all(specs(), Machine.here(agents.recorded_env()), agents.recorded_versions())
    return with_config_files(detections, scripts)


def with_config_files(detections: Iterable[Detection], scripts: Iterable[Path]) -> tuple[Detection, ...]:
    """Returns the detections with `config` set to the file that our hooks or entry belong in. `scripts` are those
    that our hooks run, or once ran."""
    owner_of = owner_by_script(*sorted(scripts))
    return tuple(_for_entry(_for_hooks(found, owner_of)) for found in detections)


def _for_entry(found: Detection) -> Detection:
    if not found.spec.loads_from:
        return found
    new, *files = found.files(found.spec.loads_from)
    listed = [path for path in files if may_have_list(path, LOADS)][-1:]  # the agent uses the last one
    existing = (path for path in (new, *reversed(files)) if is_there(path))
    return replace(found, config=next(iter((*listed, *existing, new))), form="list")


def is_toml(path: Path) -> bool:
    """Whether settings are TOML, and not JSON."""
    return path.suffix == ".toml"


def may_have_list(path: Path, key: str) -> bool:
    """Whether a file may have the list. An unreadable one may; the edit then reports it and leaves it alone."""
    try:
        return key in settings_in(settings_bytes(path) or b"", toml=is_toml(path))
    except (OSError, EditRefused):
        return True


def _for_hooks(found: Detection, owner_of: OwnerOf) -> Detection:
    """Chooses the tables if others have hooks there, or ours are there already; hooks in both would make the agent
    warn."""
    tables = next(filter(is_toml, found.files(found.spec.hooks.config_files)), None)
    if tables is None or found.config is None or not found.found or found.lost_folder is not None:
        return found
    in_tables, in_file = _owners(tables, "tables", owner_of), _owners(found.config, found.form, owner_of)
    if in_tables is None or "others" in in_tables or ("ours" in in_tables and "others" not in (in_file or ())):
        return replace(found, config=tables, form="tables")
    return found


def _owners(path: Path, form: Form, owner_of: OwnerOf) -> set[Owner] | None:
    """Returns whose hooks are in a file; None if it can't be read, which is reported when it is edited."""
    try:
        return Hooks(form, owner_of).owners(settings_bytes(path) or b"")
    except (OSError, EditRefused):
        return None


def server_files(servers: McpServers, home: Path, env: Mapping[str, str]) -> list[Path]:
    """Returns every file on this platform that may contain the list."""
    return [place.at(home, env) for place in places_on(servers.files, here().name)]


def servers_file(servers: McpServers, found: Detection) -> Path | None:
    """Returns the file of an agent's program that our MCP server belongs in; None if it has no folder for one."""
    files = [path for path in found.files(servers.files) if is_folder(path.parent)]
    listed = (path for path in files if may_have_list(path, servers.key))
    existing = (path for path in files if is_there(path))
    return next(listed, None) or next(existing, None) or next(iter(files), None)
