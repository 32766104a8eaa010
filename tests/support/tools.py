"""Commands to be found on a machine, and fictional agents: what installs and detects must not depend on a real one."""

import os
import shutil
from pathlib import Path
from typing import Final

import msgspec
import pytest

from carryover.adapter.spec import AgentSpec, HookEntry, HookSet, HookSpec, InstructionFile, Place

_NUMBER: Final = r"^(?:\w+ )?(\d+(?:\.\d+)+)"

CURSOR: Final = AgentSpec(
    id="cursor",
    name="Cursor",
    binaries=("cursor", "cursor-agent"),
    folders=(Place(path="~/.cursor"),),
    version=_NUMBER,
    transcripts=(Place(path="~/.cursor/projects"),),
    hooks=HookSpec(
        config_files=(Place(path="~/.cursor/hooks.json"), Place(path="~/.config/cursor/hooks.json")),
        sets=(
            HookSet(since="1.7", hooks=(HookEntry(event="stop", timeout_s=5),)),
            HookSet(
                since="2",
                hooks=(HookEntry(event="sessionStart", timeout_s=5), HookEntry(event="stop", timeout_s=5)),
            ),
        ),
        unknown_from="3",
        injects_on=("sessionStart",),
    ),
    instructions=(InstructionFile(name="AGENTS.md"),),
)

CODEX: Final = AgentSpec(
    id="codex",
    name="Codex CLI",
    binaries=("codex",),
    folders=(Place(path="~/.codex", env="CODEX_HOME"),),
    version=_NUMBER,
    transcripts=(Place(path="~/.codex/sessions", env="CODEX_HOME", below="sessions"),),
    hooks=HookSpec(
        config_files=(Place(path="~/.codex/hooks.json", env="CODEX_HOME", below="hooks.json"),),
        sets=(HookSet(since="0.100", hooks=(HookEntry(event="SessionStart", timeout_s=5),)),),
        injects_on=("SessionStart",),
    ),
)


def with_sets(spec: AgentSpec, *sets: HookSet, injects_on: tuple[str, ...] | None = None) -> AgentSpec:
    injecting = spec.hooks.injects_on if injects_on is None else injects_on
    return msgspec.structs.replace(spec, hooks=msgspec.structs.replace(spec.hooks, sets=sets, injects_on=injecting))


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


def versioned(path: Path, answer: str) -> Path:
    """A command that answers `--version`, and fails when asked for anything else."""
    return program(path, f"[ \"$*\" = --version ] && echo '{answer}'")


needs_setpriv: Final = pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="needs setpriv where root runs the tests"
)


def without_rights_of_root(*command: str) -> tuple[str, ...]:
    """`command` for which the modes of files hold, also where root runs it."""
    if os.geteuid() != 0:
        return command
    return ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command)
