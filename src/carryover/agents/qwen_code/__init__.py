"""Qwen Code: records and hooks of Claude Code's form, tools of Gemini CLI's. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec
from carryover.adapter.user_settings import off_by

_HOME: Final = spec.Place(path="~/.qwen", env="QWEN_HOME")
_SETTINGS: Final = _HOME / "settings.json"

_START, _COMPACT, _STOP, _FAILURE, _END = (
    spec.HookEntry(event=event, timeout_s=5, also={"name": "Carryover"})
    for event in ("SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd")
)

SPEC: Final = spec.AgentSpec(
    id="qwen-code",
    name="Qwen Code",
    aliases=("qwen",),
    binaries=("qwen",),
    folders=(_HOME,),
    # One subfolder per start folder.
    transcripts=(_HOME / "projects", spec.Place(path="~/.qwen/projects", env="QWEN_RUNTIME_DIR", below="projects")),
    hooks=spec.HookSpec(
        config_files=(_SETTINGS,),
        timeout_unit="ms",  # 0.24 takes less than 1,000 for seconds
        comments=True,
        sets=(
            spec.HookSet(since="0.15.10", hooks=(_START, _STOP)),
            spec.HookSet(since="0.24", hooks=(_START, _STOP, _FAILURE, _COMPACT, _END)),
        ),
        unknown_from="1",
        injects_on=("SessionStart",),
    ),
    user_settings=off_by(_SETTINGS, ("disableAllHooks",), value=True),
    mcp=(spec.McpServers(files=(_SETTINGS,), key="mcpServers"),),
    # QWEN.md is read too.
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(name=".qwen/rules/carryover.md"),
    guidance=(".qwen/rules/*.md", "QWEN.md"),
    start=spec.Starter(args=("--prompt-interactive", "{prompt}"), resume=("--resume", "{session}")),
)
