"""Which session a file belongs to, and which of its records are only a copy of another's."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.event_builder import usable_folder, usable_name
from carryover.agents.codex import wire
from carryover.agents.codex.builder import Builder
from carryover.agents.codex.context import Context, Turn
from carryover.records import rawjson
from carryover.records.fields import utc_ms
from carryover.records.lenient import fields_of, inside, text_of

_COPIED_WITHIN_S: Final = 10
"""A history is copied at once, when the file is made (0.125); what is written later is its own."""
_CLIENTS_OWN: Final = frozenset(("subagent", "guardian_review", "memory_consolidation"))
"""`thread_source` where no user speaks. All but the first read about; other names are those of the user's programs."""


def parse_session(builder: Builder, payload: msgspec.Raw) -> None:
    """`session_meta`. The first one is the file's own; another thread's after it was copied with that one's history."""
    meta = rawjson.part_of(payload, wire.SessionMeta)
    if meta is None or usable_name(meta.id) is None:
        builder.skip("session_meta", "unexpected shape")
        return
    if builder.context.thread is not None:
        if meta.id != builder.context.thread and not _keeps_copy(builder.context):
            builder.change(copied_s=builder.context.made_s)
        return
    is_sub_agent = _is_clients_own(meta)
    spawner = text_of(inside(meta.source, "subagent", "thread_spawn", "parent_thread_id"))
    named_by = (meta.session_id, meta.parent_thread_id, spawner)
    parent = next((thread for thread in named_by if usable_name(thread) and thread != meta.id), meta.id)
    cwd = usable_folder(meta.cwd)
    made_s = (utc_ms(meta.timestamp) or builder.at_ms) // 1000
    builder.change(
        thread=meta.id,
        session=parent if is_sub_agent else meta.id,
        subagent_id=meta.id if is_sub_agent else None,
        cwd=cwd,
        family="paginated" if meta.history_mode == "paginated" else "legacy",
        turns=(Turn(cwd=cwd),),
        made_s=made_s,
        copied_s=made_s if _is_copying_fork(meta) and not builder.context.orphan else None,
        own_from=wire.whole_number(meta.subagent_history_start_ordinal),
    )
    branch = text_of(inside(meta.git, "branch"))
    builder.learn(agent_version=meta.cli_version, branch=branch, parent=meta.forked_from_id)


def is_still_copied(context: Context, line: wire.Line) -> bool:
    """Whether a record is history that the client copied from the thread which was forked (0.125) or made this one.

    Copies have the time of the fork but keep the start of their turn: the first turn that started since is the fork's
    own. A fork that no turn with a start follows ends its copying by the clock.
    """
    if context.own_from is not None and (ordinal := wire.whole_number(line.ordinal)) is not None:
        return ordinal < context.own_from
    if context.copied_s is None:
        return False
    if utc_ms(line.timestamp) >= (context.copied_s + _COPIED_WITHIN_S) * 1000:
        return False
    if line.type != "event_msg" or wire.kind_of(line.payload) != "task_started":
        return True
    event = rawjson.part_of(line.payload, wire.TurnEvent) or wire.TurnEvent()
    started_s = wire.whole_number(event.started_at)
    return started_s is None or started_s < context.copied_s


def _is_clients_own(meta: wire.SessionMeta) -> bool:
    """A sub-agent, a reviewer, or another thread in which no user speaks."""
    return meta.thread_source in _CLIENTS_OWN or not {"subagent", "internal"}.isdisjoint(fields_of(meta.source))


def _is_copying_fork(meta: wire.SessionMeta) -> bool:
    """The file is a fork, into which its parent's records were copied."""
    return meta.forked_from_id is not None and wire.whole_number(meta.forked_from_ordinal_exclusive) is None


def _keeps_copy(context: Context) -> bool:
    """Nothing else has the history that was copied. What a sub-agent was given is its session's own."""
    return context.orphan and context.subagent_id is None
