"""What users run to install a release, each in an empty home folder."""

from __future__ import annotations

import os
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Final

from rehearsal.registries import NAME
from rehearsal.release import TOOLS, Clone
from rehearsal.stage import Failed, NotRun, User, megabytes, needs, run
from support.clone import CHECKOUT


def by_tool(user: User, tool: str, version: str) -> list[str]:
    """`uv tool install` or `pipx install`, a look at what is there, and the removal."""
    command = _command_of(tool)
    quiet = ("tool", "install", "--quiet") if tool == "uv" else ("install", "--quiet")
    remove = ("tool", "uninstall", "--quiet") if tool == "uv" else ("uninstall",)
    user.run(*command, *quiet, NAME)
    program = user.home / ".local/bin/carryover"
    size = megabytes(program.resolve().parents[1])
    said = [stated_version(user, "uv tool" if tool == "uv" else tool, version), _status(user), f"{size:.0f} MB"]
    user.run(*command, *remove, NAME)
    if program.exists():
        raise Failed(f"{program.name} is still there after {tool} has removed it")
    return [f"by `{' '.join(command)}`", *said]


def _command_of(tool: str) -> tuple[str, ...]:
    """Returns the installer itself, or uv's way to run one that is not on this machine."""
    needs("uv")
    return (tool,) if shutil.which(tool) else ("uvx", "--quiet", tool)


def by_npx(user: User, version: str) -> list[str]:
    """`npx carryoverd`, as someone tries it who has never installed anything."""
    needs("npx")
    node = run("node", "--version").strip()
    first = user.run("npx", "--yes", NAME, "--version").strip()
    # Both commands of the package are one script, so npx takes the one that comes first.
    if not first.startswith(f"carryover {version} (npm, "):
        raise Failed(f"`npx {NAME} --version` said: {first}")
    status = user.run("npx", "--yes", NAME, "status")
    size = megabytes(user.home / ".npm/_npx")
    said = first.replace(str(user.home), "~")
    return [f"node {node}", said, f"`npx {NAME} status`: {_first_line(status)}", f"{size:.0f} MB in npm's cache"]


def stated_version(user: User, kind: str, version: str) -> str:
    """Returns what `carryover --version` says. Raises Failed unless it names the version, installed by `kind`."""
    said = user.run("carryover", "--version").strip()
    if not said.startswith(f"carryover {version} ({kind}, "):
        raise Failed(f"expected version {version} by {kind}: {said}")
    return said.replace(str(user.home), "~")


def _status(user: User) -> str:
    return f"`carryover status`: {_first_line(user.run('carryover', 'status'))}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def as_tested(clone: Clone, wanted: str, report: Path) -> list[str]:
    """Runs some of `make test-packages` on the packages of the clone. Raises NotRun if all of them were skipped."""
    folders = (clone.root / "src", clone.root / "tests", clone.root / "lab")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    options = ("-m", "network", "-k", wanted, "--timeout", "900", "--junitxml", str(report))
    printed = ("-p", "no:cacheprovider", "-o", "junit_logging=system-out")
    pytest = (sys.executable, "-m", "pytest", "-q", *options, *printed, f"--basetemp={report.with_suffix('')}")
    run(*pytest, "tests/packages/test_packages.py", env=env, cwd=clone.root)
    return outcomes(report.read_text("utf-8"))


_ROW: Final = re.compile(r"^\| .* \|$", re.MULTILINE)


def outcomes(junit: str) -> list[str]:
    """Returns each test with its outcome and the sizes that it printed. Raises NotRun if none of them ran."""
    said, ran = [], False
    for case in ElementTree.fromstring(junit).iter("testcase"):
        skipped = case.find("skipped")
        ran |= skipped is None
        why = f"not run: {skipped.get('message')}" if skipped is not None else "held"
        said += [f"{case.get('name')}: {why}", *_ROW.findall(case.findtext("system-out") or "")]
    if not ran:
        raise NotRun("; ".join(said) or "no such test")
    return said


def brew_style(clone: Clone) -> list[str]:
    """Homebrew's own check of the formula's form."""
    needs("brew")
    return run("brew", "style", clone.dist / "carryoverd.rb").splitlines()


def verified(clone: Clone) -> list[str]:
    """The checksums, as someone checks them who has downloaded the release. Only the workflow can sign them."""
    return run("sh", CHECKOUT / "packaging/verify.sh", "--no-signature", clone.dist).splitlines()[-1:]
