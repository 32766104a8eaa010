"""Finds the agents' lists of MCP servers, and plans the edits that put Carryover into them or take it out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from carryover.adapter.spec import McpServers, Place, places_on
from carryover.edits.agent_settings import ServerSettings, plan_servers
from carryover.edits.entries import NAME, SUBCOMMAND
from carryover.edits.plan import Edit
from carryover.edits.record import load_record
from carryover.fsio import is_folder, is_there
from carryover.install.config_places import may_have_list
from carryover.install.detect import Detection
from carryover.install.how_installed import own_scripts
from carryover.paths import StateDir

_MODULE: Final = "carryover.cli.main"
_STATE: Final = "CARRYOVER_HOME"


def plan_mcp_servers(
    detections: Iterable[Detection], selected: Collection[str], state: StateDir, *, wanted: bool | None
) -> tuple[Edit, ...]:
    """Plans the edits for the selected agents; None for `wanted` keeps it as it is. Reads files, writes none.

    Raises UserError if the record of earlier edits is damaged.
    """
    record = load_record(state)
    present = any(file.form == "server" for file in record.files)
    servers = wanted_servers(detections, selected, os.environ, state) if (present if wanted is None else wanted) else ()
    return plan_servers(tuple(servers), record)


def wanted_servers(
    detections: Iterable[Detection], selected: Collection[str], env: Mapping[str, str], state: StateDir
) -> Iterator[ServerSettings]:
    """Yields our entry for each program of the selected agents, as far as it has a folder for its settings."""
    moved = {_STATE: str(state.root)} if env.get(_STATE) else {}
    for found in detections:
        if found.spec.id not in selected or not found.found or found.lost_folder is not None:
            continue
        for servers in found.spec.mcp:
            config = _config(servers, found.located)
            if config is not None:
                entry = servers.entry(_command(), moved)
                yield ServerSettings(agent=found.spec.id, config=config, key=servers.key, entry=entry)


def server_files(servers: McpServers, located: Callable[[Place], Path]) -> list[Path]:
    """Returns every file that may contain the list on this platform. `located` resolves a place to a path."""
    return [located(place) for place in places_on(servers.files, sys.platform)]


def _config(servers: McpServers, located: Callable[[Place], Path]) -> Path | None:
    files = [path for path in server_files(servers, located) if is_folder(path.parent)]
    listed = (path for path in files if may_have_list(path, servers.key))
    existing = (path for path in files if is_there(path))
    return next(listed, None) or next(existing, None) or next(iter(files), None)


def _command() -> Sequence[str]:
    script = own_scripts() / NAME
    return (str(script), SUBCOMMAND) if os.access(script, os.X_OK) else (sys.executable, "-m", _MODULE, SUBCOMMAND)
