"""What install, refresh and uninstall put into agents' settings and `config.toml`, and take out: plans each edit."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from carryover.adapter.spec import Form
from carryover.agents import agent_name
from carryover.config import Config, Pointers, ResumeMode
from carryover.edits import hooks
from carryover.edits.entries import SERVER_NAME, SUBCOMMAND, ListEntry, origin_of_entry, with_entry, without_entry
from carryover.edits.hooks import owner_by_script
from carryover.how_installed import own_scripts
from carryover.install.agent_settings import entry_of, gets_settings, is_toml, servers_file, wanted_hooks
from carryover.install.config_file import plan_config
from carryover.install.detect import Detection
from carryover.outside.apply import Edit, OriginOf, Putting, Taking, Text, plan_edit
from carryover.outside.journal import Journal, load_journal
from carryover.outside.listed import Listed
from carryover.paths import StateDir
from carryover.text.user_text import UNKNOWN, Origin

_REMEDY: Final = "Fix that, then run `carryover refresh`."


def plan_hooks(state: StateDir, detections: Sequence[Detection], selected: Collection[str]) -> tuple[Edit, ...]:
    """Plans the edits that give the selected agents their hooks, or the entry that makes them load the handoff, and
    take ours out of all other settings. Raises UserError if the journal can't be read."""
    journal, script = load_journal(state), state.hook_script
    chosen = [found for found in detections if found.spec.id in selected]
    texts = [_entry_or_hooks(found, journal, script) for found in chosen if gets_settings(found)]
    # Of an agent whose folder is missing at the moment, what is listed is kept until it is back.
    waiting = {found.spec.id for found in chosen if found.lost_folder is not None}
    return plan_settings(texts, (file for file in journal.settings if not file.is_server), waiting)


def plan_servers(
    state: StateDir, detections: Sequence[Detection], selected: Collection[str], *, wanted: bool | None
) -> tuple[Edit, ...]:
    """Plans the edits that enter our MCP server for the selected agents, and take it out of all other settings; None
    for `wanted` keeps it as it is. Raises UserError if the journal can't be read.

    Each of an agent's programs gets our entry if it has a folder for its settings.
    """
    journal = load_journal(state)
    listed = [file for file in journal.settings if file.is_server]
    chosen = [found for found in detections if found.spec.id in selected and found.found and found.lost_folder is None]
    is_wanted = bool(listed) if wanted is None else wanted
    return plan_settings(list(_servers(chosen, state, journal)) if is_wanted else (), listed)


def plan_settings(texts: Sequence[Text], listed: Iterable[Listed], waiting: Collection[str] = ()) -> tuple[Edit, ...]:
    """Plans one edit per settings file: `texts` are put in, and ours is taken out of `listed` files without one.

    If an agent's settings can't be written, or the agent is among those `waiting` for a folder of theirs, what is in
    its other files stays.
    """
    put = [plan_edit(text) for text in texts]
    kept = {os.path.realpath(text.path) for text in texts}
    stuck = {edit.text.listed.agent for edit in put if edit.reason is not None and edit.text.listed is not None}
    unused = (file for file in listed if os.path.realpath(file.path) not in kept)
    return (*put, *(taken_out(file) for file in unused if file.agent not in stuck and file.agent not in waiting))


def taken_out(file: Listed) -> Edit:
    """Plans to take our hooks, our entry or our MCP server out of a file."""
    ours = {
        "list": f'"{file.entry}" from its "{file.key}"',
        "server": f'"{SERVER_NAME}" from its "{file.key}"',
    }.get(file.form, f"the hooks that run {file.script}")

    def take(data: bytes, origin: Origin) -> bytes | None:
        if file.form in ("list", "server"):
            return without_entry(data, _recorded(file), origin)
        form = cast("Form", file.form)  # of an agent's settings
        return hooks.without_hooks(data, owner_by_script(Path(file.script)), origin, form=form)

    remedy = f"Remove {ours} yourself."
    return plan_edit(Text(path=Path(file.path), what=_what(file), take=take, remedy=remedy, listed=file), out=True)


def plan_choices(
    state: StateDir,
    detections: Sequence[Detection],
    selected: Collection[str],
    *,
    config: Config,
    resume_mode: ResumeMode | None = None,
    pointers: Pointers | None = None,
) -> Edit:
    """Plans the edit of `config.toml`. None for `resume_mode` or `pointers` keeps the present setting."""
    values: dict[tuple[str, ...], Any] = {
        ("agents", "selected"): list(selected),
        ("agents", "known"): [found.spec.id for found in detections],
        ("resume", "mode"): resume_mode or config.resume.mode,
    }
    if (pointers := pointers or config.publish.pointers) is not None:
        values["publish", "pointers"] = pointers
    for found in detections:
        if found.lost_folder is None:
            values |= _recorded_values(found, is_selected=found.spec.id in selected)
    return plan_config(state, values)


def _recorded_values(found: Detection, *, is_selected: bool) -> dict[tuple[str, ...], Any]:
    table = ("agents", found.spec.id)
    if not is_selected:
        return dict.fromkeys((*table, name) for name in ("roots", "env", "versions"))
    moved: dict[tuple[str, ...], Any] = {
        (*table, "roots"): (list(map(str, found.roots)) or None) if found.overrides else None,
        (*table, "env"): dict(found.overrides) or None,
    }
    if found.versions:
        moved[*table, "versions"] = list(found.versions)
    return moved


def _entry_or_hooks(found: Detection, journal: Journal, script: Path) -> Text:
    assert found.config is not None  # as `gets_settings` says
    if found.form == "list":
        return _entry(found.spec.id, found.config, entry_of(found), journal)
    known = journal.at(found.config)
    owner_of = owner_by_script(*sorted({script, *((Path(known.script),) if known else ())}))
    origin = known.origin if known else UNKNOWN
    form, rules, program = found.form, found.spec.hooks, found.spec.hooks.extension
    wanted = wanted_hooks(found, script)

    def put(data: bytes | None) -> bytes:
        if program is not None:
            return hooks.extension_with_hooks(data, program.read_text("utf-8"), hooks.in_extension(wanted))
        return hooks.with_hooks(data, wanted, owner_of, form=form, origin=origin, rules=rules)

    return _in_settings(
        Listed(path=str(found.config), agent=found.spec.id, form=form, script=str(script)),
        put,
        lambda data, origin: hooks.without_hooks(data, owner_of, origin, form=form),
        lambda before, former: hooks.edited_from(before, owner_of, former, form=form),
    )


def _servers(chosen: Iterable[Detection], state: StateDir, journal: Journal) -> Iterator[Text]:
    moved = {"CARRYOVER_HOME": str(state.root)} if os.environ.get("CARRYOVER_HOME") else {}
    script = own_scripts() / SERVER_NAME
    checkout = (sys.executable, "-m", "carryover.faces.cli.main", SUBCOMMAND)
    command = (str(script), SUBCOMMAND) if os.access(script, os.X_OK) else checkout
    for found in chosen:
        for servers in found.spec.mcp:
            if (config := servers_file(servers, found)) is not None:
                entry = ListEntry(servers.key, servers.entry(command, moved), is_toml(config))
                yield _entry(found.spec.id, config, entry, journal)


def _entry(agent: str, config: Path, entry: ListEntry, journal: Journal) -> Text:
    text = entry.value if isinstance(entry.value, str) else ""
    known = journal.at(config, server=not text)

    def fresh(data: bytes | None) -> bytes | None:
        """Returns the settings without the entry that an earlier version of Carryover put there."""
        if data is None or known is None or known.entry in ("", entry.value):
            return data
        return without_entry(data, _recorded(known), known.origin)

    def take(data: bytes, origin: Origin) -> bytes | None:
        left = fresh(data)
        return without_entry(left, entry, origin) if left is not None else None

    return _in_settings(
        Listed(path=str(config), agent=agent, form="list" if text else "server", key=entry.key, entry=text),
        lambda data: with_entry(fresh(data), entry),
        take,
        lambda before, former: origin_of_entry(fresh(before), entry, former),
    )


def _recorded(file: Listed) -> ListEntry:
    return ListEntry(file.key, file.entry if file.form == "list" else {}, is_toml(Path(file.path)))


def _in_settings(file: Listed, put: Putting, take: Taking, origin: OriginOf) -> Text:
    path, what = Path(file.path), _what(file)
    return Text(path=path, what=what, put=put, take=take, remedy=_REMEDY, listed=file, origin=origin)


def _what(file: Listed) -> str:
    kinds = {"list": "entry", "server": "MCP server"}
    return f"{kinds.get(file.form, 'hooks')} of {agent_name(file.agent)}"
