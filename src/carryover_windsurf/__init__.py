"""Windsurf's agent Cascade: the editor, its hooks file and its transcripts. Windsurf has been called Devin Desktop
since June 2026. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_EVENTS: Final = (
    "pre_user_prompt post_write_code post_run_command post_cascade_response post_cascade_response_with_transcript "
    "post_setup_worktree"
)
# The file knows no time limit: the script keeps its own, and a hook before an action is waited for.
_HOOKS: Final = tuple(spec.HookEntry(event=event, timeout_s=5) for event in _EVENTS.split())

SPEC: Final = spec.AgentSpec(
    id="windsurf",
    name="Windsurf",
    aliases=("cascade",),
    guidance=(".windsurf/rules/*.md", ".windsurfrules"),
    commands={
        spec.PROJECT: (".windsurf/workflows/*.md",),
        spec.Place(path="~/.codeium/windsurf"): ("global_workflows/*.md",),
    },
    binaries=("windsurf",),
    folders=(spec.Place(path="~/.codeium/windsurf"), spec.Place(path="~/.windsurf")),
    other_folders=(spec.Place(path="~/.codeium"),),
    version=r"^(?:[Ww]indsurf )?v?(\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])",
    # Written only once a hook for transcripts is registered, ours or another's.
    transcripts=(spec.SPOOL, spec.Place(path="~/.windsurf/transcripts")),
    hooks=spec.HookSpec(
        config_files=(spec.Place(path="~/.codeium/windsurf/hooks.json"),),
        form="plain",
        sets=(
            # The first eight events: before and after reading, writing, commands and tools of MCP.
            spec.HookSet(since="1.12.41", hooks=_HOOKS[1:3]),
            spec.HookSet(since="1.13", hooks=_HOOKS),
        ),
        unknown_from="4",
    ),
    mcp=(spec.McpServers(files=(spec.Place(path="~/.codeium/windsurf/mcp_config.json"),), key="mcpServers"),),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(name=".windsurf/rules/carryover.md", head="---\ntrigger: always_on\n---\n"),
)
