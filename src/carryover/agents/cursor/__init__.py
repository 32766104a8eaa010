"""Cursor: the editor's databases, the terminal client's chats, and the transcripts of both; hooks by version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.cursor")

# One event that a version does not know makes it drop the whole file, others' hooks too (`cursor-agent` 2026.09.10), so
# a set has an event only from the first version on for which it is reported. Of the first ones (1.7) it is
# `stop`; a start of a session was first seen in editor 3.12.17 and `cursor-agent` 2026.07.17, an end in 2026.09.10.
_START: Final = spec.HookEntry(event="sessionStart", timeout_s=5)
_STOP: Final = spec.HookEntry(event="stop", timeout_s=5)
_END: Final = spec.HookEntry(event="sessionEnd", timeout_s=5)


def _drops(settings: Mapping[str, Any]) -> str | None:
    """Also an event that the installed version does not know (reported)."""
    if "version" not in settings:
        return 'it has no "version" (such as 1), without which the agent drops the whole file'
    version = settings["version"]
    if isinstance(version, int) and not isinstance(version, bool):
        return None
    # The IDE says `Config version must be a number` (3.11).
    return 'its "version" is something other than a number, which makes the agent drop the whole file'


SPEC: Final = spec.AgentSpec(
    id="cursor",
    name="Cursor",
    guidance=(".cursor/rules/*.mdc", ".cursorrules"),
    commands={spec.PROJECT: (".cursor/commands/*.md",), _HOME: ("commands/*.md",)},
    # `2026.09.10-fd3934a`, or three lines of which the first is `3.12.17`.
    binaries=("cursor-agent", "cursor"),
    folders=(_HOME, *spec.application_places("Cursor/User")),
    # The settings beside `globalStorage` are not read: they hold much more.
    transcripts=(
        *spec.application_places("Cursor/User/globalStorage"),
        _HOME / "chats",
        spec.CONFIG / "Cursor/chats",
        _HOME / "projects",
        # The remote side of an editor that works over SSH or in a container.
        spec.Place(path="~/.cursor-server/projects"),
    ),
    hooks=spec.HookSpec(
        config_files=(_HOME / "hooks.json",),
        form="flat",
        drops=_drops,
        sets=(
            # The editor counts to 3, the terminal client in years.
            spec.HookSet(since="1.7", hooks=(_STOP,)),
            spec.HookSet(since="3.12.17", hooks=(_START, _STOP)),
            spec.HookSet(since="2025", hooks=(_STOP,)),
            spec.HookSet(since="2026.7.17", hooks=(_START, _STOP)),
            spec.HookSet(since="2026.9.10", hooks=(_START, _STOP, _END)),
        ),
        unknown_from="2028",
        injects_on=("sessionStart",),
    ),
    mcp=(spec.McpServers(files=(_HOME / "mcp.json",), key="mcpServers"),),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(
        name=".cursor/rules/carryover.mdc",
        head="---\ndescription: Where the last session left off\nalwaysApply: true\n---\n",
    ),
    start=spec.Starter(resume=("--resume={session}",), not_resumed="A chat of the editor can only be continued there."),
)
