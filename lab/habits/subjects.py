"""Checks the subjects of new commits: `make subjects`, and as git's hook `commit-msg` with the message's file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
BASE: Final = "38516b16d5cc7f26c8adf10a19725376cba963d7"
"""The last commit before the rule."""
LONGEST: Final = 65
_UNFINISHED: Final = ("fixup!", "squash!", "amend!", "WIP", "Wip")
_OF_GIT: Final = ("Merge ", "Revert ")
"""Beginnings of subjects that git itself writes."""


def problem(subject: str) -> str | None:
    """Returns what is wrong with a commit's subject; None if it is as CONTRIBUTING.md asks."""
    if subject.startswith(_OF_GIT):
        return None
    if subject.startswith(_UNFINISHED):
        return "is of a commit that is meant to become part of another"
    if len(subject) > LONGEST:
        return f"has {len(subject)} characters; {LONGEST} are the most"
    if len(subject.split()) < 3:
        return "has fewer than three words"
    if not (subject[0].isupper() or subject[0] in "`0123456789"):
        return "does not begin with a capital letter, a number or a name in backquotes"
    if subject.endswith((".", ",", ":", ";")):
        return "ends with a punctuation mark"
    return None


class NoHistory(Exception):
    """The base is not in the history of a checkout that should have it."""


def new_subjects(checkout: Path, base: str) -> list[str]:
    """Returns the subjects of the commits after `base`, without merges; none outside git.

    A shallow clone without the base has nothing to judge. Raises NoHistory if any other checkout lacks it.
    """
    shallow = _git(checkout, "rev-parse", "--is-shallow-repository")
    if shallow is None:
        return []
    if _git(checkout, "merge-base", "--is-ancestor", base, "HEAD") is not None:
        return _subjects(checkout, f"{base}..HEAD")
    if shallow.strip() == "true":
        return []
    raise NoHistory(f"The commit {base[:12]}, after which subjects are judged, is not in the history of {checkout}.")


def _subjects(checkout: Path, commits: str) -> list[str]:
    return (_git(checkout, "log", "--no-merges", "--format=%s", commits) or "").splitlines()


def _git(checkout: Path, *words: str) -> str | None:
    """Returns what git prints; None if it fails or is not installed."""
    command = ["git", "-C", str(checkout), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def main(arguments: list[str]) -> int:
    if arguments:
        subjects = Path(arguments[0]).read_text(encoding="utf-8", errors="replace").splitlines()[:1]
    else:
        try:
            subjects = new_subjects(TOP, BASE)
        except NoHistory as error:
            print(f"{error} Set BASE in lab/habits/subjects.py to a commit that is.", file=sys.stderr)
            return 1
    found = [(subject, wrong) for subject in subjects if (wrong := problem(subject)) is not None]
    for subject, wrong in found:
        print(f"The subject `{subject}` {wrong}. See CONTRIBUTING.md, How we write.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
