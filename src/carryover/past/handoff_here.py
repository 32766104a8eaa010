"""Makes the current handoff of a project in this process: from the ledger, brought up to date first, or from disk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from carryover.daemon.handed_over import Wanted
from carryover.daemon.handoffs import Place, hand_over, how_to_link
from carryover.errors import ExitCode, UserError
from carryover.past.context import agents_own, no_such_folder, now_ms, root_of, state_dir, warn_once
from carryover.past.opened import Want, opened
from carryover.publish.make import Refreshed
from carryover.terminal.paths import quoted


def handoff_here(wanted: Wanted) -> Refreshed:
    """Returns the handoff that is wanted; see `handoff_to_print`."""
    state = state_dir()
    place = Place(state, partial(opened, Want.FRESH), root_of, agents_own, warn_once, now_ms)
    made = hand_over(wanted, place)
    if made is None:
        raise _nothing_found(wanted.root, how_to_link(state.ledger, wanted.root, by_name=True))
    return made


def _nothing_found(root: str, how_to_link: str | None) -> UserError:
    from carryover.agents import adapters
    from carryover.ingest.scan import others_sources

    if how_to_link is None:
        how_to_link = "If it was moved or renamed, `carryover link OLD NEW` brings along what was recorded before."
    if (gone := no_such_folder(root)) is not None:
        listed = "`carryover sessions --all` lists the projects that are known."
        return UserError(f"{gone} {listed} {how_to_link}", ExitCode.NOTHING_FOUND)
    inside = (agent for agent in adapters().values() if agent.in_projects)
    found = (row for agent in inside for row in others_sources(agent, Path(root)))
    unread = "".join(
        f"{Path(source.path).name} there is not read: {reason}. "
        f"If it is yours: `carryover import {quoted(source.path)}`. "
        for source, reason in found
    )
    return UserError(
        f"No agent's work is recorded for {root}. {unread}"
        "`carryover sessions --all` lists the projects that are known; "
        f"`carryover status` says which agents are watched, and where. {how_to_link}",
        ExitCode.NOTHING_FOUND,
    )
