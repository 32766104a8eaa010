"""Makes the current handoff of a project in this process: from the ledger, brought up to date first, or from disk."""

from __future__ import annotations

from pathlib import Path

from carryover.actions.context import agents_own, now_ms, refuse_excluded, root_of, settings_to_print, state_dir
from carryover.actions.opened import Want, opened
from carryover.config import Config
from carryover.daemon.handed_over import Wanted
from carryover.daemon.handoffs import handoff_wanted, how_to_link, notes_on
from carryover.errors import ExitCode, UserError
from carryover.facts import ProjectRoot
from carryover.publish.make import Refreshed
from carryover.terminal.output import warn


def handoff_here(wanted: Wanted) -> Refreshed:
    """Returns the handoff that is wanted; see `handoff_to_print`."""
    state = state_dir()
    config = settings_to_print(state)
    refuse_excluded(wanted.root, config)
    paused = state.paused.exists()
    made = _handoff_at(wanted.root, wanted, config)
    if made is not None and paused:
        warn("Carryover is paused; this is what it recorded before. `carryover unpause` ends that.")
    main_root = root_of(wanted.root).main_root
    if made is None and main_root is not None:
        made = _handoff_at(main_root, wanted, config, ProjectRoot(wanted.root, main_root))
    if made is None:
        raise _nothing_found(wanted.root, how_to_link(state.ledger, wanted.root, by_name=True))
    for note in notes_on(made, wanted.root, state.ledger):
        warn(note)
    return made


def _handoff_at(root: str, wanted: Wanted, config: Config, here: ProjectRoot | None = None) -> Refreshed | None:
    """Returns the handoff of the project at `root`; None if nothing is recorded of it. `here`: as for
    `handoff_wanted`."""
    with opened(Want.FRESH, root) as (ledger, project):
        if project is None:
            return None
        own = agents_own(config.agents)
        return handoff_wanted(ledger, project, wanted, config, agents_own=own, now_ms=now_ms(), here=here)


def _nothing_found(root: str, how_to_link: str | None) -> UserError:
    from carryover.agents import adapters
    from carryover.ingest.scan import others_sources

    if how_to_link is None:
        how_to_link = "If it was moved or renamed, `carryover link OLD NEW` brings along what was recorded before."
    inside = (agent for agent in adapters().values() if agent.in_projects)
    found = (row for agent in inside for row in others_sources(agent, Path(root)))
    unread = "".join(f"{Path(source.path).name} there is not read: {reason}. " for source, reason in found)
    return UserError(
        f"No agent's work is recorded for {root}. {unread}"
        "`carryover sessions --all` lists the projects that are known; "
        f"`carryover status` says which agents are watched, and where. {how_to_link}",
        ExitCode.NOTHING_FOUND,
    )
