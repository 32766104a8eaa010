"""The regressions that are planted, one or more for each gate of CI and of the nights."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from gates.plant import Plant, Replacement, git
from quality.fetch import is_any_there, sessions_folder

_TESTS: Final = "PYTHONPATH=tests .venv/bin/python -m"
_ORDER: Final = "tests/unit/test_planted_order.py"
_IN_ORDER: Final = """found: list[int] = []


def test_first() -> None:
    found.append(1)


def test_second() -> None:
    assert found == [1]
"""
_HOOK: Final = """import os
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        Path(self.root, "src", "carryover", "built.txt").write_text(os.urandom(8).hex())
"""
_VULNERABLE: Final = """import json

print(json.dumps({"dependencies": [{"name": "idna", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}))
raise SystemExit(1)
"""
_NO_SERVICE: Final = """import sys

print("ServiceError: it does not answer", file=sys.stderr)
raise SystemExit(1)
"""

_NPM: Final = """#!/bin/sh
[ "$1" = view ] && echo 99.0.0
"""


def _commit_with_a_bad_subject(clone: Path) -> None:
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "fix")


def _assert_nothing(clone: Path) -> None:
    for path in (clone / "tests" / "unit" / "records").glob("test_*.py"):
        path.write_text(path.read_text(encoding="utf-8").replace("assert ", "assert True or "), encoding="utf-8")


def _no_full_history(clone: Path) -> str:
    is_shallow = git(clone, "rev-parse", "--is-shallow-repository") == "true"
    return "needs the whole history, and this clone is shallow" if is_shallow else ""


def _no_release_tools(clone: Path) -> str:
    has_tools = (clone / ".venv" / "release" / "bin" / "python").exists()
    return "" if has_tools else "needs the tools of a release: `make audit` installs them"


def _no_engine(clone: Path) -> str:
    tried = subprocess.run([str(clone / ".venv/bin/python"), "-c", "import atheris"], capture_output=True)
    return "needs Atheris, which `make fuzz` installs for Python 3.11 to 3.13" if tried.returncode else ""


def _no_sessions(_: Path) -> str:
    return "" if is_any_there(sessions_folder()) else "needs public sessions: `make takeover-fetch`"


PLANTS: Final = (
    Plant(
        "lint",
        "an import that nothing uses",
        "./.ci/run",
        ("F401", "`json` imported but unused"),
        (
            Replacement(
                "src/carryover/prices.py",
                "from __future__ import annotations\n",
                "from __future__ import annotations\n\nimport json\n",
            ),
        ),
        holds_without=False,
    ),
    Plant(
        "format",
        "a line that is not formatted",
        "make lint",
        ("paths.py:16:16", "1 file would be reformatted"),
        (Replacement("src/carryover/paths.py", 'STARTER: Final = "', 'STARTER: Final  =  "'),),
    ),
    Plant(
        "subjects",
        "a commit with the subject `fix`",
        "make subjects",
        ("has fewer than three words", "CONTRIBUTING.md"),
        further=_commit_with_a_bad_subject,
        needs=_no_full_history,
    ),
    Plant(
        "subjects",
        "a base that is not in the history",
        "make subjects",
        ("is not in the history", "Set BASE"),
        (Replacement("tests/habits/subjects.py", 'BASE: Final = "38516b16', 'BASE: Final = "00000000'),),
        needs=_no_full_history,
    ),
    Plant(
        "prose",
        "a habit in a document",
        "make prose",
        ("ARCHITECTURE.md:", "'in order to': to"),
        (
            Replacement(
                "ARCHITECTURE.md", "How Carryover is built and why,", "How Carryover is built, in order to know why,"
            ),
        ),
    ),
    Plant(
        "types",
        "a number where a text is returned",
        "make types",
        ("paths.py", "Incompatible return value type"),
        (Replacement("src/carryover/paths.py", "        return state.root / self._name", "        return 3"),),
    ),
    Plant(
        "types",
        "a wrong type in packaging",
        "make types",
        ("packaging/audit.py", "Incompatible return value type"),
        (Replacement("packaging/audit.py", 'return Audit("audited")', "return None"),),
    ),
    Plant(
        "imports",
        "a floor that imports from above",
        "make imports",
        ("BROKEN", "carryover.text.boxes -> carryover.distill.render"),
        (
            Replacement(
                "src/carryover/text/boxes.py",
                "from carryover.facts import Boxes\n",
                "from carryover.distill.render import render\nfrom carryover.facts import Boxes\n",
            ),
        ),
    ),
    Plant(
        "suite",
        "a checked box counts as open",
        "make unit TEST_WORKERS=0 PYTEST_ADDOPTS=tests/unit/text/test_boxes.py",
        ("FAILED tests/unit/text/test_boxes.py::",),
        (Replacement("src/carryover/text/boxes.py", "if not is_checked", "if is_checked"),),
    ),
    Plant(
        "suite",
        "a warning of Python: a file left open",
        "make unit TEST_WORKERS=0 PYTEST_ADDOPTS=tests/unit/test_planted.py",
        ("ResourceWarning",),
        (Replacement("tests/unit/test_planted.py", "", "def test_a_file() -> None:\n    open(__file__).read()\n"),),
        holds_without=False,
    ),
    Plant(
        "as-darwin",
        "git is not started on a Mac that has it",
        "make as-darwin ONLY=tests/unit/probe/test_git.py TEST_WORKERS=0",
        ("FAILED tests/unit/probe/test_git.py::",),
        (Replacement("src/carryover/platform/darwin.py", "return tools is not None and", "return tools is None and"),),
    ),
    Plant(
        "coverage",
        "all tests but those of one room are gone",
        "make coverage TEST_WORKERS=2 PYTEST_ADDOPTS=tests/unit/text",
        ("coverage: lines:", "at least 95 % should be", "coverage: branches:", "at least 90 % should be"),
        holds_without=False,
    ),
    Plant(
        "any-order",
        "a test that needs another before it",
        f"make any-order SEED=2 TEST_WORKERS=0 PYTEST_ADDOPTS={_ORDER}",
        (f"FAILED {_ORDER}::test_second",),
        (Replacement(_ORDER, "", _IN_ORDER),),
        holds_without=False,
    ),
    Plant(
        "table",
        "a row of the table of commands in README.md is changed by hand",
        "make unit TEST_WORKERS=0 PYTEST_ADDOPTS=tests/architecture/test_documents.py",
        ("run `make table`", "README.md"),
        (Replacement("README.md", "| set Carryover up for the agents", "| set up Carryover for the agents"),),
    ),
    Plant(
        "documents",
        "a promise of SECURITY.md without its test",
        "make unit TEST_WORKERS=0 PYTEST_ADDOPTS=tests/architecture/test_documents.py",
        ("test_each_defence_that_is_promised_names_a_test_that_is_there",),
        (Replacement("SECURITY.md", "tests/architecture/test_printing.py", "tests/architecture/test_gone.py"),),
    ),
    Plant(
        "diagrams",
        "a diagram that is not drawn again",
        "make unit TEST_WORKERS=0 PYTEST_ADDOPTS=tests/website/test_diagrams.py",
        ("run `make diagrams`",),
        (Replacement("architecture/d2/context.d2", "grid-gap: 90", "grid-gap: 91"),),
    ),
    Plant(
        "bench-gate",
        "each command waits for a third of a second",
        "make bench-gate ONLY=commands RUNS=1",
        ("bench-gate: command-version:", "times its floor", "is stored"),
        (
            Replacement(
                "src/carryover/faces/cli/main.py",
                "from __future__ import annotations\n",
                "from __future__ import annotations\n\nimport time\n\ntime.sleep(0.35)\n",
            ),
        ),
        holds_without=False,
    ),
    Plant(
        "audit",
        "a locked package with a known vulnerability",
        "PYTHONPATH=. make audit",
        ("VULNERABLE: idna (PYSEC-1)",),
        (Replacement("pip_audit.py", "", _VULNERABLE),),
        holds_without=False,
        needs=_no_release_tools,
    ),
    Plant(
        "audit",
        "a service that does not answer, at a release",
        "PYTHONPATH=. make audit STRICT=1",
        ("NOT AUDITED: the advisory service could not be reached",),
        (Replacement("pip_audit.py", "", _NO_SERVICE),),
        holds_without=False,
        needs=_no_release_tools,
    ),
    Plant(
        "dist",
        "a build that puts chance into the wheel",
        "git add --all && make dist",
        ("Two builds of the same files differ",),
        (
            Replacement("hatch_build.py", "", _HOOK),
            Replacement(
                "pyproject.toml", "[tool.hatch.version]\n", "[tool.hatch.build.hooks.custom]\n\n[tool.hatch.version]\n"
            ),
        ),
        holds_without=False,
        needs=_no_release_tools,
    ),
    Plant(
        "takeover",
        "no handoff can be made of a transcript",
        f"{_TESTS} quality.takeover --sample 2 --per 1",
        ("takeover: Carryover, 600: 0 of", "were delivered"),
        (
            Replacement(
                "src/carryover/past/transcript.py",
                "    agent, source = _document(path, agent_id)\n    if until",
                "    raise RuntimeError\n    agent, source = _document(path, agent_id)\n    if until",
            ),
        ),
        needs=_no_sessions,
    ),
    Plant(
        "histories",
        "nothing keeps .carryover/ out of commits",
        "make histories RUNS=2 ONLY=local",
        ("mode local, seed", ".carryover"),
        (
            Replacement(
                "src/carryover/publish/gitignore.py",
                "    if git_dir_of(root) is None or _exclude(root, edits):\n",
                "    if root is not None:\n",
            ),
            Replacement(
                "src/carryover/publish/gitignore.py", "    if not is_there(store / GITIGNORE):\n", "    if not store:\n"
            ),
        ),
    ),
    Plant(
        "chaos",
        "each commit loses an event",
        f"{_TESTS} chaos --seed 1 --steps 1 --only kill --patience 5",
        ("chaos: repeat with make chaos SEED=1", "BROKEN at step"),
        (
            Replacement(
                "src/carryover/ledger/commit.py",
                "entry.thread not in reemitted])\n",
                "entry.thread not in reemitted][1:])\n",
            ),
        ),
    ),
    Plant(
        "machines",
        "no event of another machine is taken",
        f"{_TESTS} chaos --machines 2 --seed 1 --steps 1 --patience 5",
        ("chaos: repeat with make chaos SEED=1", "MACHINES=2"),
        (Replacement("src/carryover/sync/incoming.py", "if is_usable else None", "if not is_usable else None"),),
        holds_without=False,
    ),
    Plant(
        "fuzz",
        "a reader that raises at a box",
        'make fuzz MINUTES=0.1 SEED=1 ONLY=texts KEPT="$(mktemp -d)"',
        ("IndexError", "make fuzz REPEAT="),
        (Replacement("src/carryover/text/boxes.py", "box[2].strip()", "box[3].strip()"),),
        needs=_no_engine,
    ),
    Plant(
        "fuzz",
        "a reader that loses the byte before a cut",
        "make fuzz MINUTES=0 SEED=1 ONLY=at_any_cut TEST_WORKERS=0",
        ("make fuzz SEED=1 MINUTES=0",),
        (
            Replacement(
                "src/carryover/readers/jsonl.py", "offset=position.offset + len(last)", "offset=position.offset + 1"
            ),
        ),
    ),
    Plant(
        "agents",
        "a newest version that can't be fetched",
        f'PATH="$PWD:$PATH" {_TESTS} night.newest --only codex',
        ("newest: codex: 99.0.0, known is", "no row was run with 99.0.0"),
        (Replacement("npm", "", _NPM),),
        lambda clone: (clone / "npm").chmod(0o755),
        holds_without=False,
    ),
    Plant(
        "mutants",
        "a room whose tests assert nothing",
        "make mutants MINUTES=1 SEED=1 ONLY=records KIND=places",
        ("records:", "were noticed, at least 60% should be"),
        further=_assert_nothing,
        holds_without=False,
    ),
)
