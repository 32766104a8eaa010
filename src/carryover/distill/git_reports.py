"""What commands of git report: commits, the branch that is checked out, where it was pushed to."""

from __future__ import annotations

import re
from typing import Final

from carryover.model import ToolResult
from carryover.testruns.commands import find_invocations
from carryover.text.looking import is_looking
from carryover.text.pattern import later

_GIT_COMMIT: Final = r"\bgit (?:-[Cc] (?:\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|[^\s\"']\S{0,199}) )*commit\b"
COMMITS: Final = later(_GIT_COMMIT)
"""A command that commits, perhaps in a folder that it names: `git -C shop commit`."""
_QUIET_COMMIT: Final = later(
    _GIT_COMMIT
    + r"(?=[^|;&\n]* (?:-\w*q|--quiet))[^|;&\n\"']*? (?:-\w*m|--message)[= ]?([\"'])((?!\$\()[^\n]{1,200}?)\1"
)
_COMMITTED: Final = later(r"^\[[^\]\n]{1,120} ([0-9a-f]{6,40})\] (.{1,200})$", re.M)
_ON_BRANCH: Final = later(
    r"^(?:Switched to (?:a new )?branch '|Already on '|On branch (?=\S+$)"
    r"|[^\w\n]{0,3}Deleted (?:local )?branch \S+ and switched to branch (?=\S+$)"
    r"|\[(?!HEAD )(?=\S+ (?:\(root-commit\) )?[0-9a-f]{6,40}\]))([^\s'\[\]]{1,120})",
    re.M,
)
_RENAMED: Final = later(r"\bgit branch (?:-m|-M|--move) (?!-)([^\s;&|'\"$>]{1,120})(?=[\s;&|>]|$) *(?:$|[;&|\n]|\d?>)")
"""Renames the branch that is checked out, and prints nothing."""
_ENDED_BADLY: Final = ("fatal: ", "error: ", "nothing to commit", "nothing added to commit")
"""What git prints where a renaming failed, or what comes before it; a status that is known tells of the latter."""
_SWITCHES: Final = later(r"\bgit (?:checkout|switch) ")
_PUSHED: Final = later(r"^To (\S{5,300})$", re.M)
_GIT: Final = later(r"\b(?:git|gh) ")
_SWITCHED: Final = later(r"^Switched to (?:a new )?branch '([^\s'\]]{1,120})'$", re.M)
_FEATURE: Final = later(r'^\{"BRANCH_NAME":"([^"\s]{1,120})","SPEC_FILE":', re.M)
"""What Spec Kit's script prints after it has created a feature's branch and checked it out (2025)."""
_NO_BRANCH: Final = "[specify] Warning: "
"""What it prints before that if it created no branch."""
_HEAD_STAYS: Final = ".git/HEAD.lock'"
"""What git cannot create in a sandbox; that it switched to the branch it says all the same."""


def committed(body: ToolResult) -> list[tuple[str, str]]:
    """Returns the abbreviated id and the subject of each commit that `git commit` reports. With `--quiet` it reports
    none; then the subject comes from the command, without an id."""
    may_commit = body.op == "shell" and body.status == "ok" and COMMITS.search(body.subject) is not None
    if not may_commit:
        return []
    quiet = [("", subject) for _, subject in _QUIET_COMMIT.findall(body.subject)]
    return _COMMITTED.findall(body.output) or quiet


def pushed_to(body: ToolResult) -> str:
    """Returns the address that a command has pushed to, which git also names if it can't; empty if it did not push."""
    pushed = _PUSHED.search(body.output) if body.op == "shell" and body.status == "ok" else None
    return pushed[1] if pushed is not None and "git push" in body.subject and " ! [" not in body.output else ""


def branch_in(body: ToolResult) -> str:
    """Returns the branch that `git commit`, `checkout`, `switch` or `stash`, or `gh pr merge`, last named, or `git
    branch -m` gave its name to; empty if none did here."""
    if body.op != "shell" or "git -C" in body.subject or is_looking(body.subject) or _HEAD_STAYS in body.output:
        return ""
    failed = _ENDED_BADLY if body.status == "unknown" else _ENDED_BADLY[:1]
    may_rename = body.status in ("ok", "unknown") and not any(words in body.output for words in failed)
    renamed = _RENAMED.search(body.subject) if may_rename else None
    if renamed is not None and _SWITCHES.search(body.subject, renamed.end()) is None:
        return renamed[1]
    if "BRANCH_NAME" in body.output and _NO_BRANCH not in body.output and (made := _FEATURE.search(body.output)):
        return made[1]
    if _GIT.search(body.subject):
        named = _ON_BRANCH.findall(body.output)
    else:  # a script's name need not say that it runs git, which says so itself; tests do so in a folder of their own
        named = _SWITCHED.findall(body.output)
        named = [] if named and find_invocations(body.subject) else named
    return named[-1] if named else ""
