"""What a run for one agent tells a newcomer, shown with the fictional agent Scribe and with copies that lack a part."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from contract.folder import CHECKOUT

SCRIBE: Final = CHECKOUT / "tests" / "unit" / "agents"
LIST: Final = "from contract.checklist import *; print(*checklist(Folder('scribe-cli')), sep='\\n')"


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

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs Python at the top of the checkout, with this copy of Scribe among the agents."""
        ours = (CHECKOUT / name for name in ("src", "tests", "lab"))
        path = os.pathsep.join(map(str, (*ours, self.top / "elsewhere_tests")))
        env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([sys.executable, *command], cwd=CHECKOUT, env=env, capture_output=True, text=True)

    def lacks(self) -> list[str]:
        """The lines of the checklist for what is missing."""
        listed = self.run("-c", LIST)
        assert listed.returncode == 0, listed.stderr
        return [line for line in listed.stdout.splitlines() if line.startswith("✗")]

    def contract(self, agent_id: str = "scribe-cli") -> subprocess.CompletedProcess[str]:
        """`pytest tests/contract --agent ID`.

        Its folder is here: in the usual one it would remove what whole runs of the suite left there, for minutes. If
        it hangs, it ends before the test that waits for it, with the stack.
        """
        options = ("-q", "-n", "0", "-p", "no:cacheprovider", "--basetemp", str(self.top / "runs"), "--timeout", "90")
        return self.run("-m", "pytest", *options, "tests/contract", "--agent", agent_id)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    for name in ("elsewhere", "elsewhere_tests"):
        shutil.copytree(SCRIBE / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return Copy(tmp_path)


@pytest.mark.night
def test_a_complete_folder_passes_and_lacks_nothing(copy: Copy) -> None:
    ran = copy.contract()

    assert ran.returncode == 0, ran.stdout
    assert "nothing is missing" in ran.stdout
    assert "test_damage" not in ran.stdout.partition("short test summary")[2]


@pytest.mark.night
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
    copy.replace(copy.source / "__init__.py", 'id="scribe-cli"', 'id="scribe"')
    copy.replace(copy.source / "__init__.py", "sets=(spec.HookSet(", "sets=() and (spec.HookSet(")
    copy.replace(copy.tests / "contract_case.py", "    payloads=(payload(", "    payloads=() and (payload(")
    copy.replace(copy.tests / "contract_case.py", '"limit", ', '"plan", ')
    said = copy.lacks()

    for problem in (
        "FACTS.md: no row of a table names a version",
        "SPEC.id: it is scribe.",
        "AGENT.hooks does not go with it.",
        "CASE.payloads: it is",
        "no fixture shows it.",
        "the fixtures show it, and it is not claimed.",
    ):
        assert any(problem in line for line in said), problem


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("AGENT: Final", "SCRIBE: Final", "exports AGENT: it exports no AGENT."),
        ("AGENT: Final = Agent(", "AGENT: Final = dict(", "of type dict, not Agent."),
        ("import msgspec\n", "import (\n", "loading it raises SyntaxError:"),
    ],
)
def test_a_module_that_cannot_be_used_is_said(copy: Copy, old: str, new: str, said: str) -> None:
    copy.replace(copy.source / "adapter.py", old, new)
    copy.replace(copy.tests / "contract_case.py", "CAPABILITIES: Final", "CLAIMS: Final")
    lacks = copy.lacks()

    assert any(said in line for line in lacks)
    assert any("contract_case.py exports CAPABILITIES: it exports no CAPABILITIES." in line for line in lacks)
