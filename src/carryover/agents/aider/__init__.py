"""Aider: the chat histories that it writes into projects; its command, its version and how it is started."""

from __future__ import annotations

from typing import Final

from carryover.adapter.spec import AgentSpec, Place, Starter
from carryover.text.yaml_list import YamlList

SPEC: Final = AgentSpec(
    id="aider",
    name="Aider",
    binaries=("aider",),
    folders=(Place(path="~/.aider"),),  # 0.82.3, 0.86.2
    # It loads its interpreter first, which takes a second or two on a slow disk.
    version=r"^aider (\d{1,9}\.\d{1,9}\.\d{1,9})",
    # Histories are in the projects; people who move theirs elsewhere put it here.
    transcripts=(Place(path="~/.aider"),),
    local_file=YamlList(name=".aider.conf.yml", key="read", user_file=".aider.conf.yml"),
    # A first message would make it a one-shot run, so the handoff is what it is started with.
    start=Starter(args=("--read", "{handoff}")),
)
