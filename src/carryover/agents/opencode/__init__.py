"""opencode: its database and its exports; settings, folders, instruction files."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_SETTINGS: Final = tuple(
    spec.CONFIG / f"opencode/{name}" for name in ("config.json", "opencode.json", "opencode.jsonc")
)
"""Settings files in the order in which they are read: a later list replaces an earlier one (1.18.33)."""
_DATA: Final = spec.DATA / "opencode"

SPEC: Final = spec.AgentSpec(
    id="opencode",
    name="opencode",
    binaries=("opencode",),
    binary_folders=(spec.Place(path="~/.opencode/bin"),),
    commands={
        spec.PROJECT: (".opencode/command/*.md", ".opencode/commands/*.md"),
        spec.CONFIG / "opencode": ("command/*.md", "commands/*.md"),
    },
    folders=(  # on macOS too
        _DATA,
        spec.CONFIG / "opencode",
        spec.Place(path="~/.config/opencode", env="OPENCODE_CONFIG_DIR"),
    ),
    transcripts=(_DATA, spec.Place(path=_DATA.path, env="OPENCODE_DB")),  # the variable names a database
    # Read again for each request; a missing file is ignored (1.2.27, 1.18.33).
    loads_from=(_SETTINGS[1], *_SETTINGS),
    # A server of a later file replaces that of an earlier one by its name (1.18.33).
    mcp=(spec.McpServers(files=_SETTINGS, key="mcp", also={"type": "local", "enabled": True}, in_one_list=True),),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    start=spec.Starter(args=("--prompt", "{prompt}"), resume=("--session", "{session}")),
)
