"""Gemini CLI: transcripts under `~/.gemini`; command, settings, and hooks by version. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec
from carryover.adapter.user_settings import off_by

_HOME: Final = spec.Place(path="~/.gemini", env="GEMINI_CLI_HOME", below=".gemini")
_SETTINGS: Final = _HOME / "settings.json"

# Without a matcher: it is compared as a whole ("startup|clear" matches nothing), and what a resumed session is given is
# the daemon's decision. After `/clear` the client drops it, and takes it in with the next prompt. AfterAgent follows
# the transcript of the turn; SessionEnd comes up to three times.
_START, _PROMPT, _TURN, _END = (
    # Without a name the status line shows the whole command (0.61.0).
    spec.HookEntry(event=event, timeout_s=timeout_s, also={"name": "Carryover"})
    for event, timeout_s in (("SessionStart", 5), ("BeforeAgent", 2), ("AfterAgent", 5), ("SessionEnd", 5))
)

SPEC: Final = spec.AgentSpec(
    id="gemini-cli",
    name="Gemini CLI",
    aliases=("gemini",),
    web_chats=(spec.WebChat(id="gemini", name="Gemini", budget=30_000, tokens_percent=100),),
    commands={
        spec.PROJECT: (".gemini/commands/*.toml", ".gemini/commands/*/*.toml"),
        _HOME: ("commands/*.toml", "commands/*/*.toml"),
    },
    # A node script that takes one to two seconds and leaves an empty file behind (0.61.0), so it is rarely run.
    binaries=("gemini",),
    folders=(_HOME,),
    # One subfolder per start folder.
    transcripts=(_HOME / "tmp",),
    hooks=spec.HookSpec(
        config_files=(_SETTINGS,),
        timeout_unit="ms",
        comments=True,
        sets=(spec.HookSet(since="0.26", hooks=(_START, _PROMPT, _TURN, _END)),),
        unknown_from="1",
        injects_on=("SessionStart",),
        prompts_on=("BeforeAgent",),
    ),
    user_settings=off_by(
        _SETTINGS, ("hooksConfig", "enabled"), ("tools", "enableHooks"), value=False
    ),  # the latter: 0.26
    mcp=(spec.McpServers(files=(_SETTINGS,), key="mcpServers"),),
    # AGENTS.md is not read, unless a setting of the user's names it.
    instructions=(spec.InstructionFile(name="GEMINI.md"),),
    start=spec.Starter(args=("--prompt-interactive", "{prompt}"), resume=("--resume", "{session}")),
)
