"""From the events of a session to ours: one record in, the new context and what it became."""

from __future__ import annotations

from carryover.adapter.contract import Parsed, Record, Source
from carryover.agents.copilot.context import LogContext


def parse_record(source: Source, context: LogContext, record: Record) -> tuple[LogContext, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    return context, Parsed()
