"""What install, refresh and uninstall put into agents' settings and `config.toml`, and take out: plans each edit."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from msgspec.structs import replace

from carryover.adapter.spec import LOADS, Form
from carryover.agents import specs
from carryover.config import Config, Pointers, ResumeMode
from carryover.edits.entries import SERVER_NAME, SUBCOMMAND, ListEntry
from carryover.edits.hooks import Hooks, owner_by_script
from carryover.how_installed import own_command
from carryover.install.agent_settings import is_toml, servers_file, settings_file, wanted_hooks
from carryover.install.config_file import plan_config
from carryover.install.detect import Detection
from carryover.outside.apply import Edit, Text, plan_edit
from carryover.outside.journal import Journal, load_journal
from carryover.outside.listed import Listed
from carryover.paths import StateDir
from carryover.text.user_text import UNKNOWN, Origin

_REMEDY: Final = "Fix that, then run `carryover refresh`."


def plan_agents(
    state: StateDir, detections: Sequence[Detection], selected: Collection[str], *, mcp: bool | None = None
) -> tuple[Edit, ...]:
    """Plans the edits that give the selected agents their hooks, or the entry that makes them load the handoff, and our
    MCP server if `mcp` says so (None: if any has it), and take ours out of all other settings. Raises UserError if the
    journal can't be read.

    Each of an agent's programs gets the server if it has a folder for its settings.
    """
    journal, script = load_journal(state), state.hook_script
    chosen = [found for found in detections if found.spec.id in selected]
    files = ((found, settings_file(found)) for found in chosen)
    texts = [_in_settings(found, config, journal, script) for found, config in files if config is not None]
    # Of an agent whose folder is missing at the moment, what is listed is kept until it is back.
    waiting = {found.spec.id for found in chosen if found.lost_folder is not None}
    listed = [file for file in journal.settings if file.is_server]
    is_wanted = bool(listed) if mcp is None else mcp
    servers = _servers((found for found in chosen if found.found and found.lost_folder is None), state)
    return (
        *plan_settings(texts, (file for file in journal.settings if not file.is_server), waiting),
        *plan_settings(tuple(servers) if is_wanted else (), listed),
    )


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
    if file.form in ("list", "server"):
        name = f'"{file.entry or SERVER_NAME}" from its "{file.key}"'
        ours: Hooks | ListEntry = ListEntry(file.key, file.entry or {}, is_toml(Path(file.path)))
    else:
        name = f"the hooks that run {file.script}"
        ours = Hooks(cast("Form", file.form), owner_by_script(Path(file.script)))
    return plan_edit(_text(file, ours, remedy=f"Remove {name} yourself."), out=True)


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
        ("agents", "selected"): [found.spec.id for found in detections if found.spec.id in selected],
        ("agents", "known"): [found.spec.id for found in detections if found.found],
        ("resume", "mode"): resume_mode or config.resume.mode,
    }
    if (pointers := pointers or config.publish.pointers) is not None:
        values["publish", "pointers"] = pointers
    for gone in config.agents.recorded_versions().keys() - {found.spec.id for found in detections}:
        values |= _forgotten(gone)  # its package was removed
    for found in detections:
        if found.lost_folder is None:
            values |= _recorded_values(found, is_selected=found.spec.id in selected)
    return plan_config(state, values)


def _recorded_values(found: Detection, *, is_selected: bool) -> dict[tuple[str, ...], Any]:
    table = ("agents", found.spec.id)
    if not is_selected:
        return _forgotten(found.spec.id)
    moved: dict[tuple[str, ...], Any] = {
        (*table, "roots"): (list(map(str, found.roots)) or None) if found.overrides else None,
        (*table, "env"): dict(found.overrides) or None,
    }
    if found.versions:
        moved[*table, "versions"] = list(found.versions)
    return moved


def _forgotten(agent_id: str) -> dict[tuple[str, ...], Any]:
    return dict.fromkeys(("agents", agent_id, name) for name in ("roots", "env", "versions"))


def _in_settings(found: Detection, config: Path, journal: Journal, script: Path) -> Text:
    file = Listed(path=str(config), agent=found.spec.id, form=found.form)
    if found.form == "list":
        entry = found.spec.loaded_file
        return _text(replace(file, key=LOADS, entry=entry), ListEntry(LOADS, entry))
    known = journal.at(config)
    # Of all recorded files: a home folder that was copied brought this one along, recorded at its former path.
    former = sorted({Path(entry.script) for entry in journal.settings if entry.script})
    hooks = wanted_hooks(found, script, *former)
    return _text(replace(file, script=str(script)), hooks, known.origin if known is not None else UNKNOWN)


def _servers(chosen: Iterable[Detection], state: StateDir) -> Iterator[Text]:
    moved = {"CARRYOVER_HOME": str(state.root)} if os.environ.get("CARRYOVER_HOME") else {}
    command = (*own_command(SERVER_NAME, "carryover.faces.cli.main"), SUBCOMMAND)
    for found in chosen:
        for servers in found.spec.mcp:
            if (config := servers_file(servers, found)) is not None:
                file = Listed(path=str(config), agent=found.spec.id, form="server", key=servers.key)
                yield _text(file, ListEntry(servers.key, servers.entry(command, moved), is_toml(config)))


def _text(file: Listed, ours: Hooks | ListEntry, known: Origin = UNKNOWN, *, remedy: str = _REMEDY) -> Text:
    kind = {"list": "entry", "server": "MCP server"}.get(file.form, "hooks")
    return Text(
        path=Path(file.path),
        what=f"{kind} of {_listed_name(file.agent)}",
        put=lambda data: ours.put(data, known),
        take=ours.take,
        remedy=remedy,
        listed=file,
        origin=ours.origin_of,
    )


def _listed_name(agent_id: str) -> str:
    return next((spec.name for spec in specs() if spec.id == agent_id), agent_id)
