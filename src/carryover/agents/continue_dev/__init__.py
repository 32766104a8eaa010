"""Continue: the terminal client and the editor extensions, which keep their sessions in one folder."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

_HOME: Final = spec.Place(path="~/.continue", env="CONTINUE_GLOBAL_DIR")


SPEC: Final = spec.AgentSpec(
    id="continue-dev",
    name="Continue",
    aliases=("cn",),
    binaries=("cn",),
    folders=(_HOME,),
    # All projects in one folder.
    transcripts=(_HOME / "sessions",),
    # The first of AGENTS.md, AGENT.md, CLAUDE.md and CODEX.md in the start folder.
    instructions=(spec.InstructionFile(name="AGENTS.md"),),
    local_file=spec.LocalFile(name=".continue/rules/carryover.md"),
    guidance=(".continue/rules/*.md", "AGENT.md"),
    commands={
        spec.PROJECT: (
            ".continue/prompts/*.prompt",
            ".continue/prompts/*.md",
            ".continue/rules/*.md",
            ".prompts/*.prompt",
        ),
        _HOME: ("prompts/*.prompt", "prompts/*.md", "rules/*.md"),
    },
    start=spec.Starter(not_resumed="Continue resumes a session by its list: start `cn`, then type /resume."),
    also=("Continue's extensions for VS Code and JetBrains",),
)
