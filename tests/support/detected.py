"""An agent as it was found on this machine, for tests that need no more of it than its settings."""

from __future__ import annotations

from pathlib import Path

from carryover.adapter.spec import AgentSpec, HookEntry, HookSet
from carryover.install.detect import Detection


def detected(spec: AgentSpec, config: Path, hooks: tuple[HookEntry, ...]) -> Detection:
    """One whose settings are at `config` and get these `hooks`."""
    return Detection(spec=spec, state="ok", config=config, hook_set=HookSet(since="1", hooks=hooks))
