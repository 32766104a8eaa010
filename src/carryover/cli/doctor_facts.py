"""Gathers what `carryover doctor` judges. Reads only; what cannot be found out is left as not known."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from carryover import __version__
from carryover.agents import specs
from carryover.cli.background import service_of_user
from carryover.cli.endpoint import ADDRESS, Endpoint, look_at_endpoint
from carryover.cli.ledger_facts import ledger_facts
from carryover.cli.project_facts import project_facts
from carryover.cli.recorded import recorded_env
from carryover.config import Config, ToolConfig, load_config
from carryover.daemon.port_holder import port_holder
from carryover.edits.record import Record, load_record
from carryover.errors import UserError
from carryover.install.commands import copies
from carryover.install.detect import Detection, detect_all
from carryover.install.facts import DaemonFacts, Facts, ToolFacts
from carryover.install.hook_places import with_hook_files
from carryover.install.how_installed import how_installed
from carryover.install.machine import Machine
from carryover.install.service import COMMAND, Program
from carryover.install.settings_facts import settings_facts
from carryover.install.setup import agent_hooks
from carryover.install.wording import tilde
from carryover.paths import StateDir

_PORT_ANSWER_S: Final = 1.0


def gather(state: StateDir, home: Path) -> Facts:
    """All the facts there are."""
    config, config_problem = _config(state)
    record, record_problem = _record(state)
    machine = Machine.here(recorded_env(config.tools))
    detections = with_hook_files(detect_all(specs(), machine), [state.hook_script])
    manager, program = service_of_user()
    endpoint = look_at_endpoint(state)
    service = manager.status()
    return Facts(
        version=__version__,
        update=how_installed().update,
        state=tilde(state.root, home),
        program=" ".join(program.command),
        installed=bool(record.files) or service.installed,
        paused=state.paused.exists(),
        daemon=_daemon(endpoint),
        service=service,
        port=config.server.port,
        stranger=_stranger(config.server.port) if endpoint.health is None else None,
        tools=tuple(_tools(state, home, config, detections)),
        agents_here=tuple(seen.spec.id for seen in detections if seen.found),
        projects=project_facts(state, config, home),
        ledger=ledger_facts(state, home),
        free_bytes=_free_bytes(state, home),
        open_to_others=_open_to_others(state, home),
        stub_missing=not state.hook_script.is_file(),
        other_installs=_other_installs(machine, program, home),
        config_problem=config_problem,
        unknown_keys=config.unknown_keys,
        record_problem=record_problem,
    )


def _config(state: StateDir) -> tuple[Config, str | None]:
    try:
        return load_config(state.config), None
    except UserError as error:
        return Config(), str(error)


def _record(state: StateDir) -> tuple[Record, str | None]:
    try:
        return load_record(state), None
    except UserError as error:
        return Record(), str(error)


def _daemon(endpoint: Endpoint) -> DaemonFacts:
    health = endpoint.health
    if health is None:
        return DaemonFacts(running=False)
    return DaemonFacts(
        running=True,
        version=health["version"],
        pid=health["pid"],
        watch_limit=(health.get("watch") or {}).get("reason"),
        ledger_trouble=health.get("ledger_trouble"),
        config_trouble=health.get("config_trouble"),
        port_trouble=endpoint.trouble,
    )


def _stranger(port: int) -> str | None:
    """Who listens on the port; None where nobody does."""
    if port == 0:
        return None
    try:
        socket.create_connection((ADDRESS, port), timeout=_PORT_ANSWER_S).close()
    except OSError:
        return None
    return port_holder(port)


def _tools(state: StateDir, home: Path, config: Config, detections: Sequence[Detection]) -> list[ToolFacts]:
    selected = config.tools.selected or ()
    wanted = {hooks.agent: hooks for hooks in agent_hooks(detections, selected)}
    found = []
    for seen in detections:
        if seen.spec.id not in selected or not seen.found or not seen.spec.supported:
            continue
        settings = settings_facts(seen, wanted.get(seen.spec.id), state.hook_script)
        found.append(
            ToolFacts(
                id=seen.spec.id,
                name=seen.spec.name,
                state=seen.state,
                version=seen.version_text,
                config=_path(seen.config, home),
                problem=settings.problem,
                present=settings.present,
                missing=settings.missing,
                edited=settings.edited,
                dropped=settings.dropped,
                ignored=settings.ignored,
                to_review=settings.to_review,
                review=seen.spec.hooks.review.what if seen.spec.hooks.review is not None else "",
                elsewhere=tuple(tilde(file.path, home) for file in seen.elsewhere),
                switched_off=settings.switched_off,
                switched_off_in=_path(settings.switched_off_in, home),
                lost_folder=_path(seen.lost_folder, home),
                lost_by=seen.lost_by,
                reads_bytes=settings.reads_bytes,
                keeps_days=settings.keeps_days,
                kept_by=seen.spec.retention.key if seen.spec.retention is not None else "",
                moved_from=_moved_from(seen, config.tools.of(seen.spec.id), home),
                roots=tuple(tilde(root, home) for root in seen.roots),
                others=tuple(tilde(other, home) for other in seen.others),
            )
        )
    return found


def _path(path: Path | None, home: Path) -> str:
    return tilde(path, home) if path is not None else ""


def _moved_from(seen: Detection, known: ToolConfig, home: Path) -> tuple[str, ...]:
    now = {os.path.realpath(root) for root in seen.roots}
    return tuple(tilde(Path(root), home) for root in known.roots if os.path.realpath(root) not in now)


def _free_bytes(state: StateDir, home: Path) -> int | None:
    try:
        return shutil.disk_usage(state.root if state.root.is_dir() else home).free
    except OSError:
        return None


def _open_to_others(state: StateDir, home: Path) -> tuple[str, ...]:
    """Ours that are not; a closed folder keeps everything below it closed."""
    return tuple(tilde(path, home) for path in private_paths(state) if _mode(path) & 0o077)


def private_paths(state: StateDir) -> tuple[Path, ...]:
    """What only its owner may read, as far as it is there."""
    paths = (state.root, state.ledger, state.config, state.log)
    return tuple(path for path in paths if path.exists() and not path.is_symlink())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _other_installs(machine: Machine, program: Program, home: Path) -> tuple[str, ...]:
    own = Path(program.command[0]).resolve()
    return tuple(
        tilde(command.path, home)
        for command in copies((COMMAND,), machine)
        if command.path.resolve().parent != own.parent
    )
