"""Kilo (Kilo Code CLI): a fork of opencode, whose form of database it keeps. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_SETTINGS: Final = tuple(
    spec.CONFIG / f"kilo/{name}"
    for name in ("config.json", "kilo.json", "kilo.jsonc", "opencode.json", "opencode.jsonc")
)
"""Settings files in the order in which they are read: a later list replaces an earlier one (7.7.9)."""
_DATA: Final = spec.DATA / "kilo"

SPEC: Final = spec.AgentSpec(
    id="kilo",
    name="Kilo",
    aliases=("kilocode",),
    # Other commands than `--version` make settings and a database (7.7.9).
    binaries=("kilo", "kilocode"),
    folders=(_DATA, spec.CONFIG / "kilo", spec.Place(path="~/.config/kilo", env="KILO_CONFIG_DIR")),
    transcripts=(_DATA, spec.Place(path=_DATA.path, env="KILO_DB")),  # the variable names a database
    # Read again for each request; a missing file is ignored (7.7.9).
    loads_from=(_SETTINGS[2], *_SETTINGS),
    mcp=(spec.McpServers(files=_SETTINGS, key="mcp", also={"type": "local", "enabled": True}, in_one_list=True),),
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    guidance=(".kilo/rules/*.md", ".kilocode/rules/*.md", ".kilocoderules"),
    start=spec.Starter(args=("--prompt", "{prompt}"), resume=("--session", "{session}")),
)
