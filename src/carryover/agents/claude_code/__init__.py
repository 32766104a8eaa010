"""Claude Code: transcripts under `~/.claude/projects`; command, version, settings, and hooks by version."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec
from carryover.adapter.user_settings import off_by

_HOME: Final = spec.Place(path="~/.claude", env="CLAUDE_CONFIG_DIR")

STOP: Final = spec.HookEntry(event="Stop", timeout_s=5)
FAILURE: Final = spec.HookEntry(event="StopFailure", timeout_s=5)
COMPACT: Final = spec.HookEntry(event="PreCompact", timeout_s=5)
# Without an explicit time limit it is killed after 1.5 s, and the user sees that.
_END: Final = spec.HookEntry(event="SessionEnd", timeout_s=5)

# Hooks began with 1.0.38, but only from 1.0.48 on is there one that runs before context is lost. `Stop` is of the
# first ones. An event that the installed version does not know makes it warn at each start, so none comes too early.
_START: Final = spec.HookEntry(event="SessionStart", timeout_s=5, also={"matcher": "startup|clear|compact|resume|fork"})

_SETTINGS: Final = _HOME / "settings.json"

SPEC: Final = spec.AgentSpec(
    id="claude-code",
    name="Claude Code",
    aliases=("claude",),
    also=("VS Code extension", "desktop app", "Agent SDK"),
    guidance=(".claude/rules/*.md", ".claude/skills/*/SKILL.md"),
    commands={
        spec.PROJECT: (".claude/commands/*.md", ".claude/commands/*/*.md", ".claude/skills/*/SKILL.md"),
        _HOME: ("commands/*.md", "commands/*/*.md", "skills/*/SKILL.md"),
    },
    # Its models count about a quarter more tokens than others for the same code.
    web_chats=(spec.WebChat(id="claude-web", name="Claude on the web", budget=60_000),),
    # The native program answers in 20 ms, the node script (2.0.65) takes up to 2 s on a busy machine.
    binaries=("claude",),
    binary_folders=(spec.Place(path="~/.claude/local"), _HOME / "local"),
    folders=(_HOME,),
    # One subfolder per start directory.
    transcripts=(_HOME / "projects",),
    user_settings=off_by(_SETTINGS, ("disableAllHooks",), value=True),  # 1.0.68
    hooks=spec.HookSpec(
        config_files=(_SETTINGS,),
        sets=(
            spec.HookSet(since="1.0.48", hooks=(COMPACT, STOP)),
            spec.HookSet(since="1.0.62", hooks=(_START, COMPACT, STOP)),
            spec.HookSet(since="1.0.85", hooks=(_START, COMPACT, STOP, _END)),
            spec.HookSet(since="2.1.78", hooks=(_START, COMPACT, STOP, FAILURE, _END)),
        ),
        unknown_from="3",
        injects_on=("SessionStart",),
    ),
    # While it runs, the client reads this file again before it writes to it, and keeps what it does not know (2.1.329).
    # `claude mcp add` would give the whole file the client's form.
    mcp=(
        spec.McpServers(
            files=(spec.Place(path="~/.claude.json", env="CLAUDE_CONFIG_DIR", below=".claude.json"),),
            key="mcpServers",
            also={"type": "stdio"},
        ),
    ),
    # AGENTS.md only from 2.1.281 on, and only if no CLAUDE.md has content.
    instructions=(spec.InstructionFile(name="CLAUDE.md"), spec.InstructionFile(name="AGENTS.md")),
    # Any text in it hides AGENTS.md too, so it is made only where CLAUDE.md does that already.
    local_file=spec.LocalFile(name="CLAUDE.local.md"),
    start=spec.Starter(resume=("--resume", "{session}")),
)
