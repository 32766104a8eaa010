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

    def contract(self) -> subprocess.CompletedProcess[str]:
        """`pytest tests/contract --agent ID` at the top of the checkout, with this copy of Scribe among the agents.

        Its folder is here: in the usual one it would remove what whole runs of the suite left there, for minutes. If
        it hangs, it ends before the test that waits for it, with the stack.
        """
        ours = (CHECKOUT / name for name in ("src", "tests", "lab"))
        path = os.pathsep.join(map(str, (*ours, self.top / "elsewhere_tests")))
        env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}
        options = ("-q", "-n", "0", "-p", "no:cacheprovider", "--basetemp", str(self.top / "runs"), "--timeout", "90")
        command = [sys.executable, "-m", "pytest", *options, "tests/contract", "--agent", "scribe-cli"]
        return subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True)


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
