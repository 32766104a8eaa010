"""Codex's installation: command, version, settings, and hooks by version. Format facts: FACTS.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from carryover.adapter import spec

_CONFIG: Final = spec.Place(path="~/.codex/config.toml", env="CODEX_HOME", below="config.toml")

# Without a matcher, as each source of a start was seen to fire (0.169.0). Whatever changes in a hook, its time limit
# included, asks people to review it again: nothing here is to be touched without need.
_START: Final = spec.HookEntry(event="SessionStart", timeout_s=5)
_COMPACT: Final = spec.HookEntry(event="PreCompact", timeout_s=5)
_STOP: Final = spec.HookEntry(event="Stop", timeout_s=5)
# It allows no more, and warns at each start of a file that asks for it (0.169.0).
_END: Final = spec.HookEntry(event="SessionEnd", timeout_s=3)


def has_reviewed(settings: Mapping[str, Any], hook: spec.InstalledHook) -> bool:
    """Whether `[hooks.state]` has a table `<file>:<event_in_snake_case>:<group>:<handler>` (0.140 to 0.169)."""
    event = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", hook.event).lower()
    hooks = settings.get("hooks")
    state = hooks.get("state") if isinstance(hooks, dict) else None
    note = state.get(f"{hook.file}:{event}:{hook.group}:{hook.number}") if isinstance(state, dict) else None
    return isinstance(note, dict) and "trusted_hash" in note


SPEC: Final = spec.AgentSpec(
    id="codex",
    name="Codex CLI",
    short_name="Codex",
    also=("IDE extension", "desktop app"),
    not_covered=("Codex cloud",),
    guidance=(".codex/skills/*/SKILL.md", ".agents/skills/*/SKILL.md"),
    commands=(
        spec.CommandFiles(
            patterns=(".codex/prompts/*.md", ".codex/skills/*/SKILL.md", ".agents/skills/*/SKILL.md"),
        ),
        spec.CommandFiles(
            folder=spec.Place(path="~/.codex", env="CODEX_HOME"), patterns=("prompts/*.md", "skills/*/SKILL.md")
        ),
        spec.CommandFiles(folder=spec.Place(path="~/.agents"), patterns=("skills/*/SKILL.md",)),
    ),
    web_chats=(spec.WebChat(id="chatgpt", name="ChatGPT", budget=24_000, tokens_percent=100),),
    binaries=("codex",),
    folders=(spec.Place(path="~/.codex", env="CODEX_HOME"),),
    other_folders=(spec.Place(path="~/.agents"),),
    folder_must_exist=True,
    # 10 ms for the native program, 70 to 200 ms by way of the script for node (0.169.0).
    version=spec.VersionProbe(pattern=r"^codex-cli (\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])"),
    transcripts=(
        # One subfolder per year, month and day. A resumed session grows in the folder of its first day.
        spec.Place(path="~/.codex/sessions", env="CODEX_HOME", below="sessions"),
        # Where `codex archive` moves a transcript, and `unarchive` takes it back from; without subfolders.
        spec.Place(path="~/.codex/archived_sessions", env="CODEX_HOME", below="archived_sessions"),
    ),
    hooks=spec.HookSpec(
        config_files=(spec.Place(path="~/.codex/hooks.json", env="CODEX_HOME", below="hooks.json"),),
        tables=_CONFIG,
        file_rules=spec.HookFileRules(
            root_keys=("hooks", "description"), handler_types=("command", "mcp_tool", "prompt", "agent")
        ),
        switches=(
            spec.HookSwitch(file=_CONFIG, key=("features", "hooks"), off=False),
            spec.HookSwitch(file=_CONFIG, key=("features", "codex_hooks"), off=False),  # the older name
        ),
        review=spec.HookReview(
            versions=">=0.130",
            what="Codex asks once before it runs new hooks: start `codex` and choose "
            '"Trust all" ("Review" shows each). Until then they do not run.',
            state_file=_CONFIG,
            has_reviewed=has_reviewed,
        ),
        # 0.114 has hooks only where a setting turns them on; 0.125 has them on, and takes in what SessionStart prints.
        sets=(
            spec.HookSet(versions=">=0.125,<0.145", label="0.125 to 0.144", hooks=(_START, _STOP)),
            spec.HookSet(versions=">=0.145,<1", label="0.145 and later", hooks=(_START, _COMPACT, _STOP, _END)),
        ),
        injects_on=("SessionStart",),
    ),
    mcp=(spec.McpServers(files=(_CONFIG,), key="mcp_servers"),),
    instructions=(
        spec.InstructionFile(
            name="AGENTS.md",
            hidden_by=("AGENTS.override.md",),
            limit=spec.InstructionLimit(file=_CONFIG, key="project_doc_max_bytes", default_bytes=32_768),  # 0.169.0
        ),
    ),
    start=spec.Starter(binary="codex", resume=("resume", "{session}")),
)
