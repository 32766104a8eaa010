"""Goose: one database with the sessions of all projects; command, folders, instruction files."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_ROOT: Final = "GOOSE_PATH_ROOT"

SPEC: Final = spec.AgentSpec(
    id="goose",
    name="Goose",
    binaries=("goose",),
    folders=(spec.CONFIG / "goose",),
    version=r"^\s*(?:goose )?v?(\d{1,9}\.\d{1,9}\.\d{1,9})",
    transcripts=(
        spec.DATA / "goose/sessions",
        spec.Place(path="~/.local/share/goose/sessions", env=_ROOT, below="data/sessions"),
    ),
    instructions=(spec.InstructionFile(name=spec.AGENTS_MD),),
    guidance=(".goosehints",),
    start=spec.Starter(
        args=("run", "--interactive", "--text", "{prompt}"), resume=("session", "--resume", "--session-id", "{session}")
    ),
)
