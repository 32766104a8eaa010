"""opencode's installation: settings, folders and instruction files. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter.spec import (
    AgentSpec,
    ChatExport,
    HandoffEntry,
    InstructionFile,
    McpServers,
    Place,
    Starter,
    VersionProbe,
)

_SETTINGS: Final = tuple(
    Place(path=f"~/.config/opencode/{name}", env="XDG_CONFIG_HOME", below=f"opencode/{name}")
    for name in ("config.json", "opencode.json", "opencode.jsonc")
)
"""Settings files in the order in which they are read: a later list replaces an earlier one (1.18.33)."""
_DATA: Final = Place(path="~/.local/share/opencode", env="XDG_DATA_HOME", below="opencode")

SPEC: Final = AgentSpec(
    id="opencode",
    name="opencode",
    binaries=("opencode",),
    binary_folders=(Place(path="~/.opencode/bin"),),
    folders=(  # on macOS too
        _DATA,
        Place(path="~/.config/opencode", env="XDG_CONFIG_HOME", below="opencode"),
        Place(path="~/.config/opencode", env="OPENCODE_CONFIG_DIR"),
    ),
    version=VersionProbe(),
    transcripts=(_DATA, Place(path=_DATA.path, env="OPENCODE_DB")),  # the variable names a database
    # Read again for each request; a missing file is ignored (1.2.27, 1.18.33).
    handoff_entry=HandoffEntry(
        files=_SETTINGS, new=_SETTINGS[1], key="instructions", entry=".carryover/handoff-opencode.md"
    ),
    # A server of a later file replaces that of an earlier one by its name (1.18.33).
    mcp=(
        McpServers(
            files=_SETTINGS,
            key="mcp",
            also={"type": "local", "enabled": True},
            in_one_list=True,
            env="environment",
        ),
    ),
    instructions=(InstructionFile(name="AGENTS.md"),),
    chat_export=ChatExport(
        head=r"# [^\n]{0,300}\n\n\*\*Session ID:\*\* (?P<session>ses_[\w-]{1,100})\n\*\*Created:\*\* [^\n]{1,60}\n",
        user="## User",
        agent=r"## Assistant(?: \([^\n]{1,200}\))?",
        ruled=True,
        titled=True,
        tool=r"^\*\*Tool: ([\w.:-]{1,100})\*\*$",
    ),
    start=Starter(binary="opencode", args=("--prompt", "{prompt}"), resume=("--session", "{session}")),
)
