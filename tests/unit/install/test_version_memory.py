from __future__ import annotations

import os
from pathlib import Path

from packaging.version import Version

from carryover.adapter.spec import VersionProbe
from carryover.install.version_memory import VersionMemory, identity
from carryover.install.version_probe import Answer
from support.tools import program

PROBE = VersionProbe(args=("--version",), pattern=r"^(\d+\.\d+\.\d+)")


def ask(memory: VersionMemory, command: Path) -> Answer:
    return memory.ask(command, PROBE, env={"PATH": os.defpath}, cwd=command.parent)


def test_a_command_is_asked_once(tmp_path: Path) -> None:
    tool = program(tmp_path / "tool", "echo called >> calls", "echo 1.2.3")
    memory = VersionMemory()

    assert [ask(memory, tool), ask(memory, tool)] == [Answer(version=Version("1.2.3"), text="1.2.3")] * 2
    assert (tmp_path / "calls").read_text() == "called\n"


def test_a_command_that_leads_to_another_file_is_asked(tmp_path: Path) -> None:
    link = tmp_path / "tool"
    link.symlink_to(program(tmp_path / "old", "echo 1.2.3"))
    memory = VersionMemory()
    ask(memory, link)
    link.unlink()
    link.symlink_to(program(tmp_path / "new", "echo 1.2.4"))

    assert ask(memory, link).text == "1.2.4"


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    tool = program(tmp_path / "tool", "echo called >> calls", "exit 3")
    memory = VersionMemory()

    assert {ask(memory, tool).problem for _ in range(2)} == {"it ended with code 3"}
    assert (tmp_path / "calls").read_text() == "called\n" * 2


def test_a_command_that_is_gone_has_no_identity(tmp_path: Path) -> None:
    assert identity(tmp_path / "tool") is None
