"""The facts about a machine where all is well, and the same with one thing changed."""

from typing import Any

import msgspec

from carryover.daemon.health import Health
from carryover.install.agent_report import HooksReport
from carryover.install.service import ServiceStatus
from carryover.past.findings.facts import AgentFacts, Gathered, Inspection, LedgerFacts

RUNNING = Health(version="1.0.0", pid=4711)
SERVICE = ServiceStatus(kind="systemd", installed=True, enabled=True, active=True)
CLAUDE = AgentFacts(
    id="claude-code",
    name="Claude Code",
    selected=True,
    state="ok",
    version="2.1.328",
    config="/home/dev/.claude/settings.json",
    hooks=HooksReport(present=("SessionStart", "Stop")),
    roots_today=("/home/dev/.claude/projects",),
)
CODEX = AgentFacts(
    id="codex",
    name="Codex CLI",
    selected=True,
    state="ok",
    version="0.169.0",
    config="/home/dev/.codex/hooks.json",
    hooks=HooksReport(present=("SessionStart", "Stop")),
    roots_today=("/home/dev/.codex/sessions",),
)
LEDGER = LedgerFacts(path="/home/dev/.carryover/ledger.sqlite", sessions=12, sources=14)
HEALTHY = Gathered(
    version="1.0.0",
    home="/home/dev",
    state_folder="/home/dev/.carryover",
    installed=True,
    daemon=RUNNING,
    service=SERVICE,
    agents=(CLAUDE,),
    ledger=LEDGER,
    inspection=Inspection(
        free_bytes=10**12,
    ),
)


def changed(record: Any, **more: Any) -> Any:
    """`record` with other values; those of an inspection and of an agent's hooks are set there."""
    nested = {"inspection": Inspection, "hooks": HooksReport}
    for field, kind in nested.items():
        inner = {
            name: more.pop(name) for name in list(more) if name in kind.__struct_fields__ and hasattr(record, field)
        }
        if inner:
            more[field] = msgspec.structs.replace(getattr(record, field), **inner)
    return msgspec.structs.replace(record, **more)
