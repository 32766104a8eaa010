"""Which sessions, and which period of them, to forget."""

from __future__ import annotations

import sqlite3

import msgspec

from carryover.ledger.rows import SESSION, SessionRow, records
from carryover.model import session_in_other_cwd


class Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to forget: in one session or conversation, in one project, or everywhere. Times are UTC ms."""

    agent: str | None = None
    """With `session` or `conversation`: the agent it belongs to."""
    session: str | None = None
    """Selects one session, by the agent's own id."""
    conversation: str | None = None
    """Selects a conversation, including its turns in other folders."""
    root: str | None = None
    """Selects a project by its root, including sessions recorded there before it was moved."""
    since_ms: int | None = None
    until_ms: int | None = None
    """End of the period, exclusive. None: the moment of forgetting."""
    for_good: bool = True
    """False leaves no tombstones, so that what transcripts still contain can be read again."""

    @property
    def is_everything(self) -> bool:
        """Whether neither a session nor a project nor a time limits the selection."""
        return self == Selection()

    @property
    def in_part(self) -> bool:
        """Whether only a part of each session is selected."""
        return self.since_ms is not None or self.until_ms is not None

    def span(self, now_ms: int) -> tuple[int, int]:
        """Returns the first time that is forgotten, and the first after it that is not."""
        since_ms = self.since_ms if self.since_ms is not None else 0
        return since_ms, min(self.until_ms, now_ms + 1) if self.until_ms is not None else now_ms + 1

    def condition(self, now_ms: int) -> tuple[str, tuple[str | int, ...]]:
        """Returns the SQL condition on `session` rows with anything selected, and its parameters."""
        conditions: list[str] = ["1"]
        values: list[str | int] = []
        if self.session is not None:
            conditions.append("session.agent = ? AND session.native_id = ?")
            values += [self.agent or "", self.session]
        if self.conversation is not None:
            conditions.append(
                "session.agent = ? AND (session.native_id = ? OR session.native_id >= ? AND session.native_id < ?)"
            )
            ends = (session_in_other_cwd(self.conversation, end) for end in ("", "\U0010ffff"))
            values += [self.agent or "", self.conversation, *ends]
        if self.root is not None:
            of_root = "(SELECT id FROM project WHERE root = ?)"
            conditions.append(f"(session.project_id IN {of_root} OR session.recorded_project_id IN {of_root})")
            values += [self.root, self.root]
        if self.in_part:
            conditions.append(f"(EXISTS ({_EVENT_WITHIN}) OR EXISTS ({_REPORTED_WITHIN}))")
            values += 2 * self.span(now_ms)
        return " AND ".join(conditions), tuple(values)


_EVENT_WITHIN = """SELECT 1 FROM thread JOIN event ON event.thread_id = thread.id
    WHERE thread.session_id = session.id AND event.at_ms >= ? AND event.at_ms < ?"""
_REPORTED_WITHIN = "SELECT 1 FROM provisional WHERE session_id = session.id AND at_ms >= ? AND at_ms < ?"


def selected_sessions(db: sqlite3.Connection, selection: Selection, *, now_ms: int) -> list[SessionRow]:
    """Returns the sessions with anything selected, newest first. Blocking."""
    condition, values = selection.condition(now_ms)
    return list(
        records(SessionRow, db, f"{SESSION} WHERE {condition} ORDER BY session.last_ms DESC, session.id DESC", values)
    )
