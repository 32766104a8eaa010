"""What a run for one agent tells a newcomer, shown with the fictional agent Scribe and with copies that lack a part."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from carryover.cli.main import COMMANDS
from contract.command_docs import FOLDER, Argument, Command, commands, pages, program
from contract.folder import CHECKOUT

SCRIBE: Final = CHECKOUT / "tests" / "unit" / "agents"
LACKS: Final = """
import json, os, sys
import carryover.agents
from contract.checklist import Folder, missing
for top in sys.argv[1:]:
    if os.fork() == 0:
        sys.path.insert(0, f"{top}/elsewhere_tests")
        carryover.agents.__path__.append(f"{top}/elsewhere")
        print(json.dumps([top, missing(Folder("scribe-cli"))]), flush=True)
        os._exit(0)
    os.wait()
"""
"""Prints what each copy of Scribe lacks; what they share is loaded once."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Scribe's folders, to take something away from."""

    top: Path

    @property
    def source(self) -> Path:
        return self.top / "elsewhere" / "scribe_cli"

    @property
    def tests(self) -> Path:
        return self.top / "elsewhere_tests" / "agents" / "scribe_cli"

    def replace(self, path: Path, old: str, new: str) -> None:
        text = path.read_text("utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), "utf-8")

    def contract(self) -> subprocess.CompletedProcess[str]:
        """`pytest tests/contract --agent scribe-cli`."""
        suite = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/contract")
        return python(*suite, "--agent", "scribe-cli", more=self.top / "elsewhere_tests")


def python(*command: str, more: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs Python at the top of the checkout; with a folder of tests more, its agent is among the agents."""
    path = os.pathsep.join(str(each) for each in (CHECKOUT / "src", CHECKOUT / "tests", more) if each is not None)
    env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *command], cwd=CHECKOUT, env=env, capture_output=True, text=True)


def copy_in(top: Path) -> Copy:
    for name in ("elsewhere", "elsewhere_tests"):
        shutil.copytree(SCRIBE / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
    return Copy(top)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return copy_in(tmp_path)


def test_a_complete_folder_passes_and_lacks_nothing(copy: Copy) -> None:
    ran = copy.contract()

    assert ran.returncode == 0, ran.stdout
    assert "nothing is missing" in ran.stdout
    assert "test_damage" not in ran.stdout.partition("short test summary")[2]


def test_a_run_tests_what_there_is_and_lists_the_rest(copy: Copy) -> None:
    (copy.source / "adapter.py").unlink()
    (copy.tests / "contract_case.py").unlink()

    ran = copy.contract()

    assert ran.returncode == 1
    assert "✗ adapter.py exports AGENT: it is not there. Write an Agent" in ran.stdout
    assert "✗ contract_case.py exports CASE: it is not there. Write a Case" in ran.stdout
    assert "1 failed, " in ran.stdout, "only the test of the folder; those of the spec pass"


def test_what_is_missing_is_said(copy: Copy) -> None:
    (copy.source / "FACTS.md").unlink()
    copy.replace(copy.source / "spec.py", 'id="scribe-cli"', 'id="scribe"')
    copy.replace(copy.source / "adapter.py", '("Awake", "Rest")', '("Awake",)')
    copy.replace(copy.tests / "contract_case.py", "    payloads=(payload(", "    payloads=() and (payload(")
    copy.replace(copy.tests / "capabilities.py", '"limit", ', '"plan", ')
    said = copy.lacks()

    for problem in (
        "FACTS.md: no row of a table names a version",
        "SPEC.id: it is scribe.",
        "SPEC and AGENT.hooks differ in Rest.",
        "CASE.payloads: it is",
        "no fixture shows it.",
        "the fixtures show it, and it is not claimed.",
    ):
        assert any(problem in line for line in said), problem


STRIPPED: Final = (
    (without("FACTS.md"), "FACTS.md: no row of a table names a version"),
    (without("capabilities.py"), "capabilities.py exports CAPABILITIES: it is not there."),
    (without("fixtures"), "reading the recordings raises FileNotFoundError."),
    (changed("spec.py", 'id="scribe-cli"', 'id="scribe"'), "SPEC.id: it is scribe."),
    (changed("adapter.py", "AGENT: Final", "SCRIBE: Final"), "exports AGENT: it exports no AGENT."),
    (changed("adapter.py", "AGENT: Final = Agent(", "AGENT: Final = dict("), "of type dict, not Agent."),
    (changed("adapter.py", "import msgspec\n", "import (\n"), "loading it raises SyntaxError:"),
    (changed("adapter.py", '("Awake", "Rest")', '("Awake",)'), "SPEC and AGENT.hooks differ in Rest."),
    (
        changed("contract_case.py", "    payloads=(payload(", "    payloads=() and (payload("),
        "CASE.payloads: it is",
    ),
    (changed("capabilities.py", '"resume"', '"resume", "plan"'), "no fixture shows it."),
    (changed("capabilities.py", '"limit", ', ""), "the fixtures show it, and it is not claimed."),
)


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What is said of each stripped copy."""
    copies = [copy_in(tmp_path_factory.mktemp("copy")) for _ in STRIPPED]
    for copy, (strip, _) in zip(copies, STRIPPED, strict=True):
        strip(copy)
    listed = python("-c", LACKS, *(str(copy.top) for copy in copies))
    assert listed.returncode == 0, listed.stderr
    found = dict(map(json.loads, listed.stdout.splitlines()))
    return [found[str(copy.top)] for copy in copies]


@pytest.mark.parametrize("number", range(len(STRIPPED)), ids=[said for _, said in STRIPPED])
def test_what_is_missing_is_said(lacking: list[list[str]], number: int) -> None:
    assert any(STRIPPED[number][1] in line for line in lacking[number]), lacking[number]
