"""Plans what install and refresh change: the hooks of the selected agents, and `config.toml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carryover.config import Config, Pointers, ResumeMode
from carryover.install.agent_settings import wanted_settings, with_config_files
from carryover.install.config_file import plan_config
from carryover.install.detect import Detection
from carryover.install.service import Program, ServiceManager
from carryover.outside.apply import Edit, Text, plan
from carryover.outside.journal import load_journal
from carryover.outside.settings import AgentSettings, plan_settings
from carryover.paths import StateDir


@dataclass(frozen=True, slots=True)
class Setup:
    """The plan: every edit, worked out before anything is written."""

    detections: tuple[Detection, ...]
    selected: tuple[str, ...]
    hooks: tuple[Edit, ...]
    """Edits of the agents' settings: hooks, and entries that make an agent load the handoff."""
    config: Edit
    pointers: Pointers | None
    """The setting for what may be written into projects; None if it is not decided here."""
    service: Edit | None
    """The edit of the service file; None if no service is registered."""
    script: Path
    """The script that the hooks run."""
    servers: tuple[Edit, ...] = ()
    """Edits of the agents' lists of MCP servers."""

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits for `apply`, without the service file, which the service manager writes itself."""
        return (*self.hooks, *self.servers, self.config)

    @property
    def shown(self) -> tuple[Edit, ...]:
        """The edits of all files that would change, to be shown to the user."""
        return (*self.edits, self.service) if self.service is not None else self.edits


def settings_here(state: StateDir, detections: Iterable[Detection]) -> tuple[AgentSettings, ...]:
    """Returns the settings that the agents on this machine would get if all were selected. Raises UserError."""
    located = _located(state, detections)
    return wanted_settings(located, {found.spec.id for found in located})


def _located(state: StateDir, detections: Iterable[Detection]) -> tuple[Detection, ...]:
    scripts = {state.hook_script, *(Path(file.script) for file in load_journal(state).settings if file.script)}
    return with_config_files(detections, scripts)


def plan_setup(
    state: StateDir,
    detections: Sequence[Detection],
    selected: Collection[str],
    *,
    config: Config,
    resume_mode: ResumeMode | None,
    pointers: Pointers | None = None,
    service: tuple[ServiceManager, Program] | None,
) -> Setup:
    """Plans the whole set-up. Reads files, writes none. `pointers` None keeps the present setting. Raises UserError if
    the journal can't be read."""
    script = state.hook_script
    detections = _located(state, detections)
    chosen = tuple(found.spec.id for found in detections if found.spec.id in selected)
    pointers = pointers or config.publish.pointers
    values: dict[tuple[str, ...], Any] = {
        ("agents", "selected"): list(chosen),
        ("agents", "known"): [found.spec.id for found in detections],
        ("resume", "mode"): resume_mode or config.resume.mode,
    }
    if pointers is not None:
        values["publish", "pointers"] = pointers
    for found in detections:
        if found.lost_folder is None:
            values |= _recorded(found, is_selected=found.spec.id in chosen)
    # Of an agent whose folder is missing at the moment, what is listed is kept until it is back.
    waiting = {found.spec.id for found in detections if found.lost_folder is not None and found.spec.id in chosen}
    file = service[0].file(service[1]) if service is not None else None
    return Setup(
        detections=detections,
        selected=chosen,
        hooks=plan_settings(wanted_settings(detections, chosen), load_journal(state), script, waiting=waiting),
        config=plan_config(state, values),
        pointers=pointers,
        service=_service_edit(service[0].kind, *file) if service is not None and file is not None else None,
        script=script,
    )


def _recorded(found: Detection, *, is_selected: bool) -> dict[tuple[str, ...], Any]:
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


def _service_edit(kind: str, path: Path, content: bytes) -> Edit:
    return plan(Text(path=path, what=f"the {kind} service", put=lambda _: content, remedy=""))
