"""GitHub Copilot: its terminal client and the chat in VS Code; command, folders, and hooks by version."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec
from carryover.adapter.user_settings import off_by

_HOME: Final = spec.Place(path="~/.copilot", env="COPILOT_HOME")

WINDOWS: Final = "workspaceStorage"
EMPTY: Final = "emptyWindowChatSessions"
"""Folders in which VS Code keeps chats: of windows with a folder, and of empty windows."""
CHATS: Final = "chatSessions"
"""The folder for a window's chats, below the window's own."""
DOCUMENTS: Final = "history-session-state"
"""The folder in which the terminal client kept each session as one document."""
_EDITORS: Final = ("Code", "Code - Insiders", "VSCodium", "Code - OSS")


def _user_folders(below: str) -> tuple[spec.Place, ...]:
    return tuple(place for name in _EDITORS for place in spec.application_places(f"{name}/User/{below}"))


_HOOKS: Final = _HOME / "hooks/carryover.json"
"""Our own file: the client reads every file in that folder, so none of the user's is edited."""


def _hooks(*at_start: str) -> tuple[spec.HookEntry, ...]:
    # Two seconds at most, since hooks run one after the other before the first turn (1.0.102).
    return tuple(
        spec.HookEntry(event=name, timeout_s=2) for name in (*at_start, "preCompact", "agentStop", "sessionEnd")
    )


SPEC: Final = spec.AgentSpec(
    id="copilot",
    name="GitHub Copilot",
    short_name="Copilot",
    aliases=("copilot-cli", "vscode"),
    guidance=(".github/copilot-instructions.md", ".github/instructions/*.instructions.md"),
    commands={spec.PROJECT: (".github/prompts/*.prompt.md",)},
    binaries=("copilot",),
    # The editor's own folders do not show that the chat is used; the extension's folder does.
    folders=(_HOME, *_user_folders("globalStorage/github.copilot-chat")),
    version=r"^(?:GitHub Copilot CLI )?(\d{1,9}\.\d{1,9}\.\d{1,9})(?!\.?\d)",
    transcripts=(
        # One subfolder per session, which a resumed session grows in.
        _HOME / "session-state",
        _HOME / DOCUMENTS,
        *_user_folders(WINDOWS),
        *_user_folders(f"globalStorage/{EMPTY}"),
    ),
    hooks=spec.HookSpec(
        config_files=(_HOOKS,),
        sets=(
            # Up to 1.0.10 what sessionStart returns is dropped, and up to 1.0.21 it runs at each turn. What the hook of
            # a prompt returns arrives from 1.0.65 on.
            spec.HookSet(since="1.0.22", hooks=_hooks("sessionStart")),
            spec.HookSet(since="1.0.65", hooks=_hooks("sessionStart", "userPromptSubmitted")),
        ),
        unknown_from="2",
        injects_on=("sessionStart",),
        prompts_on=("userPromptSubmitted",),
    ),
    # The switch in the settings only affects hooks in the settings (1.0.102).
    user_settings=off_by(_HOOKS, ("disableAllHooks",), value=True),
    mcp=(
        spec.McpServers(files=(_HOME / "mcp-config.json",), key="mcpServers", also={"type": "local", "tools": ["*"]}),
        *(
            spec.McpServers(
                files=spec.application_places(f"{name}/User/mcp.json"), key="servers", also={"type": "stdio"}
            )
            for name in _EDITORS
        ),
    ),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(name=".github/instructions/carryover.instructions.md", head='---\napplyTo: "**"\n---\n'),
    start=spec.Starter(
        args=("-i", "{prompt}"),
        resume=("--resume={session}",),
        not_resumed="A chat of VS Code can only be continued there.",
    ),
)
