"""The daemon follows a source that the user declares, from the moment at which the settings name it."""

from __future__ import annotations

import json
from pathlib import Path

from support.daemon_process import DaemonProcess, handoff_of, wait_until

DECLARED = """\
[server]
port = 0
[[sources]]
agent = "my-agent"
files = ["~/.my-agent/*.jsonl"]
"""


def test_a_declared_source_is_followed_while_it_grows_without_its_secrets(
    running: DaemonProcess, home: Path, project: Path
) -> None:
    log = home / ".my-agent" / "one.jsonl"
    log.parent.mkdir()
    config = home / ".carryover" / "config.toml"

    def say(text: str) -> None:
        with log.open("a") as file:
            file.write(json.dumps({"role": "user", "content": text, "cwd": str(project)}) + "\n")

    say("Add a discount, token sk-ant-api03-" + "x" * 93 + "AA")
    config.write_text(DECLARED)
    first = wait_until("the first words", lambda: handoff_of(project) or None)
    assert "Add a discount" in first
    assert "xxxx" not in first

    say("Never below zero")
    wait_until("the next words", lambda: "Never below zero" in handoff_of(project))
