"""Codex CLI: transcripts under `~/.codex/sessions`; command, version, settings, and hooks by version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from carryover.adapter import spec
from carryover.adapter.user_settings import off_by, value_of
from carryover.fsio import is_folder

_HOME: Final = spec.Place(path="~/.codex", env="CODEX_HOME")
_CONFIG: Final = _HOME / "config.toml"

# Without a matcher, as each source of a start was seen to fire (0.169.0). Whatever changes in a hook, its time limit
# included, asks people to review it again: nothing here is to be touched without need.
_START: Final = spec.HookEntry(event="SessionStart", timeout_s=5)
_COMPACT: Final = spec.HookEntry(event="PreCompact", timeout_s=5)
_STOP: Final = spec.HookEntry(event="Stop", timeout_s=5)
# It allows no more, and warns at each start of a file that asks for it (0.169.0).
_END: Final = spec.HookEntry(event="SessionEnd", timeout_s=3)


_REVIEW: Final = (
    'Codex asks once before it runs new hooks: start `codex` and choose "Trust all" ("Review" shows each). '
    "Until then they do not run."
)


def _user_settings(agent: spec.OnMachine) -> Iterator[spec.UserSetting]:
    # It refuses to start if the variable names a folder that does not exist.
    if "CODEX_HOME" in agent.moved and not is_folder(agent.located(_HOME)):
        yield spec.UserSetting(kind="folder", by="CODEX_HOME", at=agent.located(_HOME))
    yield from off_by(_CONFIG, ("features", "hooks"), ("features", "codex_hooks"), value=False)(agent)  # the older name
    values, file = agent.values(_CONFIG), agent.located(_CONFIG)
    is_asked = not agent.version or agent.version >= (0, 130)
    if agent.hook is not None and is_asked and not _has_reviewed(values, agent.hook):
        yield spec.UserSetting(kind="review", by=_REVIEW, at=file)


def _has_reviewed(settings: Mapping[str, Any], hook: spec.InstalledHook) -> bool:
    """Whether `[hooks.state]` has a table `<file>:<event_in_snake_case>:<group>:<handler>` (0.140 to 0.169)."""
    event = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", hook.event).lower()
    places = (f"{file}:{event}:{hook.group}:{hook.number}" for file in hook.files)
    return any(value_of(settings, "hooks", "state", place, "trusted_hash") is not None for place in places)


def _drops(settings: Mapping[str, Any]) -> str | None:
    """Hooks have other keys and types in no version so far (0.169.0)."""
    dropping = "makes the agent drop the whole file"
    for key in settings:
        if key not in ("hooks", "description"):
            return f'its key "{key}" {dropping}'
    events = settings.get("hooks")
    groups = (
        (group for each in events.values() if isinstance(each, list) for group in each)
        if isinstance(events, dict)
        else ()
    )
    for group in groups:
        handlers = group.get("hooks") if isinstance(group, dict) else None
        for handler in handlers if isinstance(handlers, list) else ():
            kind = handler.get("type") if isinstance(handler, dict) else None
            if isinstance(kind, str) and kind not in ("command", "mcp_tool", "prompt", "agent"):
                return f'its hook of type "{kind}" {dropping}'
    return None


SPEC: Final = spec.AgentSpec(
    id="codex",
    name="Codex CLI",
    short_name="Codex",
    also=("IDE extension", "desktop app"),
    guidance=(".codex/skills/*/SKILL.md", ".agents/skills/*/SKILL.md"),
    commands={
        spec.PROJECT: (".codex/prompts/*.md", ".codex/skills/*/SKILL.md", ".agents/skills/*/SKILL.md"),
        _HOME: ("prompts/*.md", "skills/*/SKILL.md"),
        spec.Place(path="~/.agents"): ("skills/*/SKILL.md",),
    },
    web_chats=(spec.WebChat(id="chatgpt", name="ChatGPT", budget=24_000, tokens_percent=100),),
    binaries=("codex",),
    folders=(_HOME,),
    other_folders=(spec.Place(path="~/.agents"),),
    user_settings=_user_settings,
    # 10 ms for the native program, 70 to 200 ms by way of the script for node (0.169.0).
    version=r"^codex-cli (\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])",
    transcripts=(
        # One subfolder per year, month and day. A resumed session grows in the folder of its first day.
        _HOME / "sessions",
        # Where `codex archive` moves a transcript, and `unarchive` takes it back from; without subfolders.
        _HOME / "archived_sessions",
    ),
    hooks=spec.HookSpec(
        config_files=(_HOME / "hooks.json", _CONFIG),
        drops=_drops,
        # 0.114 has hooks only where a setting turns them on; 0.125 has them on, and takes in what SessionStart prints.
        sets=(
            spec.HookSet(since="0.125", hooks=(_START, _STOP)),
            spec.HookSet(since="0.145", hooks=(_START, _COMPACT, _STOP, _END)),
        ),
        unknown_from="1",
        injects_on=("SessionStart",),
    ),
    mcp=(spec.McpServers(files=(_CONFIG,), key="mcp_servers"),),
    instructions=(spec.InstructionFile(name="AGENTS.md", hidden_by=("AGENTS.override.md",)),),
    start=spec.Starter(resume=("resume", "{session}")),
)
