"""The branch of a worktree in which a session works, which `gitBranch` does not always say.

It is the branch of the folder where the session began, or of the worktree that it entered by the client's own tool.
After `cd` into a worktree that a command made, `cwd` is there and `gitBranch` as before (2.0.65 to 2.1.328).
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.records.fields import folder_holding, resolved
from carryover.text.pattern import later
from carryover.text.shell import simple_commands

_MOST_TREES: Final = 20
_PREPARED: Final = later(r"^Preparing worktree \(.{1,40} '([^'\n]{1,200})'", re.MULTILINE)
"""What git prints; nothing like it if no branch is checked out."""


class ClaudeWorktree(msgspec.Struct, frozen=True, omit_defaults=True):
    """A worktree. The branch has a name that is kept as it is, like the path: see `CONTEXT_NAMES`."""

    path: str
    name: str = ""
    """The branch that was checked out in it; empty if that is not known yet."""
    instead_of: str = ""
    """What `gitBranch` is where it does not say so."""


def tree_added(command: str, cwd: str | None) -> ClaudeWorktree | None:
    """Returns the worktree that a command adds; None if it adds none, or no path is known."""
    for words, _ in simple_commands(command) if "worktree" in command else ():
        if words[:1] == ("cd",) and len(words) == 2:
            cwd = resolved(words[1], cwd)
        given = list(words[1:]) if words[:1] == ("git",) else []
        folder = resolved(given[1], cwd) if given[:1] == ["-C"] and len(given) > 1 else cwd
        given = given[2:] if given[:1] == ["-C"] else given
        if given[:2] != ["worktree", "add"]:
            continue
        named = [at for at, word in enumerate(given[:-1]) if word in ("-b", "-B")]
        name = given[named[0] + 1] if named else ""
        paths = [word for at, word in enumerate(given[2:], 2) if not word.startswith("-") and at - 1 not in named]
        path = resolved(paths[0], folder) if paths else None
        return ClaudeWorktree(path, name) if path is not None else None
    return None


def made_worktree(tree: ClaudeWorktree, output: str, branch: str | None) -> ClaudeWorktree | None:
    """Returns the worktree as the output of its command shows it, made where `gitBranch` was `branch`; None if no
    branch is known to be checked out in it."""
    printed = _PREPARED.search(output)
    name = printed[1] if printed is not None else tree.name
    return msgspec.structs.replace(tree, name=name, instead_of=branch or "") if name and name != branch else None


def with_tree(trees: tuple[ClaudeWorktree, ...], tree: ClaudeWorktree) -> tuple[ClaudeWorktree, ...]:
    """Returns the known worktrees with one more, in place of one at the same path."""
    return (*(other for other in trees if other.path != tree.path), tree)[-_MOST_TREES:]


def branch_at(trees: tuple[ClaudeWorktree, ...], cwd: str | None, branch: str | None) -> str | None:
    """Returns the branch in a folder where `gitBranch` is `branch`."""
    path = folder_holding(cwd, (tree.path for tree in trees)) if cwd is not None and trees else None
    tree = next((tree for tree in trees if tree.path == path), None)
    return tree.name if tree is not None and tree.instead_of == branch else branch
