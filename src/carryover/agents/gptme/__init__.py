"""gptme: a terminal agent whose conversations are files of one message per line. Format facts: FACTS.md."""

from __future__ import annotations

from typing import Final

from carryover.adapter import spec

SPEC: Final = spec.AgentSpec(
    id="gptme",
    name="gptme",
    binaries=("gptme",),
    folders=(spec.CONFIG / "gptme",),
    version=r"^(?:gptme v)?(\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])",
    transcripts=(
        spec.DATA / "gptme/logs",
        spec.Place(path="~/.local/share/gptme/logs", env="GPTME_LOGS_HOME"),
        spec.Place(path="~/Library/Application Support/gptme/logs", platforms=(spec.MACOS,)),
    ),
    instructions=(spec.InstructionFile(name=spec.AGENTS_MD),),
    start=spec.Starter(resume=("--name", "{session}")),
)
