"""What a user and an agent do in a repository, at random: chosen by the world without Carryover, the same in both."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from histories.world import World

Action = tuple[str, ...]
"""`git` and its words, `write` with a name and a text, or `delete` with a name."""

FILES: Final = ("a.py", "b.py", "src/c.py", "docs/d.md", "notes.txt")


def edit(rng: Random, _: World) -> list[Action]:
    name = rng.choice(FILES)
    if rng.random() < 0.15:
        return [("delete", name)]
    return [("write", name, "".join(f"{rng.randrange(4)}\n" for _ in range(rng.randint(1, 4))))]


def edit_ignore_file(rng: Random, _: World) -> list[Action]:
    if rng.random() < 0.2:
        return [("delete", ".gitignore")]
    return [("write", ".gitignore", rng.choice(["*.log\n", "build/\n*.pyc\n", "notes.txt\n", "", "*\n!*.py\n!*/\n"]))]


def edit_instructions(rng: Random, _: World) -> list[Action]:
    name = rng.choice(["AGENTS.md", "CLAUDE.md"])
    if rng.random() < 0.2:
        return [("delete", name)]
    return [("write", name, rng.choice(["Be brief.\n", "Run the tests.\nBe brief.\n", "@AGENTS.md\n"]))]


def let_in(rng: Random, _: World) -> list[Action]:
    return [
        ("write", ".gitignore", rng.choice(["!.carryover\n", "!.carryover/\n!.carryover/**\n", "*\n!.carryover/\n"]))
    ]


def add(rng: Random, _: World) -> list[Action]:
    return [("git", "add", *rng.choice([["--all"], ["."], ["--update"], ["--all", "."], ["--intent-to-add", "."]]))]


def commit(rng: Random, _: World) -> list[Action]:
    said = ("--quiet", "--message", f"change {rng.randrange(1000)}")
    return rng.choice(
        [
            [("git", "add", "--all"), ("git", "commit", *said)],
            [("git", "commit", "--all", *said)],
            [("git", "commit", *said)],
            [("git", "add", "--all"), ("git", "commit", "--amend", "--no-edit", "--quiet")],
        ]
    )


def reset(rng: Random, _: World) -> list[Action]:
    return [
        ("git", "reset", "--quiet", *rng.choice([["--hard"], ["--hard", "HEAD~1"], ["--soft", "HEAD~1"], ["HEAD"]]))
    ]


def stash(rng: Random, _: World) -> list[Action]:
    words = (["push"], ["push", "--include-untracked"], ["pop"], ["pop"], ["apply"], ["drop"])
    return [("git", "stash", *rng.choice(words), "--quiet")]


def checkout(rng: Random, world: World) -> list[Action]:
    branch = rng.choice(_branches(world))
    new = f"topic-{rng.randrange(1000)}"
    words = (
        ["checkout", branch],
        ["switch", branch],
        ["checkout", "-b", new],
        ["switch", "--create", new],
        ["switch", "-"],
    )
    more = (
        ["checkout", "--", "."],
        ["restore", "."],
        ["checkout", "--detach", "HEAD~1"],
        ["checkout", "--merge", branch],
    )
    return [("git", *rng.choice((*words, *words, *more)))]


def merge(rng: Random, world: World) -> list[Action]:
    branch = rng.choice(_branches(world))
    kinds = (["merge", "--no-edit", branch], ["merge", "--no-ff", "--no-edit", branch], ["merge", "--squash", branch])
    return [
        ("git", *rng.choice((*kinds, ["rebase", branch], ["cherry-pick", branch], ["rebase", "--autostash", branch])))
    ]


def finish(rng: Random, _: World) -> list[Action]:
    """Ends what a conflict has stopped."""
    kind = rng.choice(("merge", "rebase", "cherry-pick"))
    if rng.random() < 0.5:
        return [("git", kind, "--abort")]
    return [("git", "add", "--all"), ("git", kind, "--continue")]


def clean(rng: Random, _: World) -> list[Action]:
    return [("git", "clean", rng.choice(["-fd", "-fdx", "-fdX", "-fdxq"]))]


def worktree(rng: Random, _: World) -> list[Action]:
    if rng.random() < 0.5:
        return [("git", "worktree", "add", "--quiet", "-b", f"tree-{rng.randrange(1000)}", "../tree")]
    return [("git", "worktree", "remove", "../tree")]


def submodule(rng: Random, _: World) -> list[Action]:
    add_it = ("git", "submodule", "--quiet", "add", "../library", "inner")
    words = (["deinit", "--force", "inner"], ["update", "--init"], ["absorbgitdirs"])
    return [rng.choice([add_it, add_it, *(("git", "submodule", "--quiet", *each) for each in words)])]


def sparse(rng: Random, _: World) -> list[Action]:
    return [("git", "sparse-checkout", *rng.choice([["set", "src"], ["set", "docs"], ["disable"], ["disable"]]))]


def rewrite(rng: Random, _: World) -> list[Action]:
    command = rng.choice(
        [["--tree-filter", "rm -f notes.txt"], ["--index-filter", "git rm -q --cached --ignore-unmatch a.py"]]
    )
    return [("git", "filter-branch", "--force", *command, "HEAD")]


def housekeeping(rng: Random, _: World) -> list[Action]:
    words = (["rm", "-r", "--quiet", "--cached", "."], ["mv", "a.py", "moved.py"], ["gc", "--quiet"], ["status"])
    return [("git", *rng.choice(words))]


def _branches(world: World) -> list[str]:
    return world.git("branch", "--format=%(refname:short)").said.split("\n")[:-1] or ["main"]


CHANCES: Final[dict[Callable[[Random, World], list[Action]], int]] = {
    edit: 12,
    edit_ignore_file: 2,
    edit_instructions: 2,
    let_in: 1,
    add: 3,
    commit: 10,
    reset: 4,
    stash: 6,
    checkout: 8,
    merge: 6,
    finish: 5,
    clean: 2,
    worktree: 3,
    submodule: 2,
    sparse: 1,
    rewrite: 1,
    housekeeping: 2,
}


def step(rng: Random, world: World) -> list[Action]:
    """Returns the next actions."""
    [kind] = rng.choices(list(CHANCES), list(CHANCES.values()))
    return kind(rng, world)
