"""Which session a file belongs to, and which of its records are only a copy of another's."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.agents.codex import wire
from carryover.agents.codex.context import Context, Turn
from carryover.agents.codex.draft import Draft, folder, named
from carryover.records import rawjson
from carryover.records.identity import utc_ms

_COPIED_WITHIN_S: Final = 10
"""A fork's history is copied at once, when the file is made (0.125); what is written later is its own."""


def fold_session(draft: Draft, payload: msgspec.Raw) -> None:
    """`session_meta`. The first one is the file's own; one after it was copied from the forked thread."""
    meta = rawjson.part_of(payload, wire.SessionMeta)
    if meta is None or named(meta.id) is None:
        draft.skip("session_meta", "unexpected shape")
        return
    if draft.context.thread is not None:
        return
    is_sub_agent = meta.thread_source == "subagent" or rawjson.part_of(meta.source, wire.SubAgent) is not None
    parent = named(meta.session_id) or named(meta.parent_thread_id) or named(_spawning_thread(meta)) or meta.id
    cwd = folder(meta.cwd)
    draft.change(
        thread=meta.id,
        session=parent if is_sub_agent else meta.id,
        sidechain=meta.id if is_sub_agent else None,
        cwd=cwd,
        family="paginated" if meta.history_mode == "paginated" else "legacy",
        turns=(Turn(cwd=cwd),),
        copied_s=_copied_s(draft, meta),
    )
    git = rawjson.part_of(meta.git, wire.Git) or wire.Git()
    draft.learn(agent_version=meta.cli_version, branch=git.branch, parent=meta.forked_from_id)


def is_still_copied(context: Context, line: wire.Line) -> bool:
    """Whether a record of a fork is history that the client copied from the parent (0.125).

    Copies have the time of the fork but keep the start of their turn: the first turn that started since is the fork's
    own. A fork that no turn with a start follows ends its copying by the clock.
    """
    if context.copied_s is None:
        return False
    if utc_ms(line.timestamp) >= (context.copied_s + _COPIED_WITHIN_S) * 1000:
        return False
    if line.type != "event_msg" or wire.kind_of(line.payload) != "task_started":
        return True
    event = rawjson.part_of(line.payload, wire.TurnEvent) or wire.TurnEvent()
    started_s = wire.whole_number(event.started_at)
    return started_s is None or started_s < context.copied_s


def _copied_s(draft: Draft, meta: wire.SessionMeta) -> int | None:
    """When the file was forked, where that copied the parent's records into it."""
    if meta.forked_from_id is None or wire.whole_number(meta.forked_from_ordinal_exclusive) is not None:
        return None
    made_ms = utc_ms(meta.timestamp) or draft.at_ms
    return made_ms // 1000


def _spawning_thread(meta: wire.SessionMeta) -> str | None:
    source = rawjson.part_of(meta.source, wire.SubAgent)
    spawned = rawjson.part_of(source.subagent, wire.Spawned) if source is not None else None
    return spawned.thread_spawn.parent_thread_id if spawned is not None else None
