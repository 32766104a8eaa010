"""What looks after the repository on its host knows what is in it."""

import re
from pathlib import Path
from typing import Any

import yaml

from habits.subjects import TOP

MAKEFILE = (TOP / "Makefile").read_text("utf-8")


def test_hooks_before_a_commit_run_the_tools_of_lint() -> None:
    """Nothing is fetched, so the versions are those of .venv."""
    [repo] = loaded(".pre-commit-config.yaml")["repos"]
    lint = MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0]
    hooked = {hook["id"]: hook["entry"] for hook in repo["hooks"]}

    assert repo["repo"] == "local" and {hook["language"] for hook in repo["hooks"]} == {"system"}
    assert [f"$(BIN)/{tool}" in lint for tool in ("ruff check", "ruff format --check")] == [True, True]
    assert hooked["ruff-check"].startswith(".venv/bin/ruff check")
    assert hooked["ruff-format"].startswith(".venv/bin/ruff format --check")
    assert re.match(r" (?=.*\bsubjects\b)(?=.*\bprose\b)", lint) and hooked["prose"] == "make prose"
    assert "python -m habits.subjects" in hooked["subject"] and "habits.subjects" in MAKEFILE


def test_a_bot_follows_the_actions_and_every_lock() -> None:
    updates = {entry["package-ecosystem"]: entry["directory"] for entry in loaded(".github/dependabot.yml")["updates"]}
    locks = {str(path.parent) for path in TOP.glob("packaging/**/*.txt") if "--hash=" in path.read_text("utf-8")}

    assert updates == {"github-actions": "/", "pip": "/packaging/requirements"}
    assert locks == {f"{TOP}{updates['pip']}"}


def test_every_file_has_an_owner_and_every_named_folder_is_there() -> None:
    rules = [
        line.split() for line in (TOP / ".github" / "CODEOWNERS").read_text("utf-8").splitlines() if line[:1] != "#"
    ]

    assert rules[0][0] == "*" and all(owner.startswith("@") for _, *owners in rules for owner in owners)
    assert [place for place, *_ in rules[1:] if not (TOP / place.strip("/")).exists()] == []


def test_the_form_of_a_pull_request_names_targets_that_there_are() -> None:
    form = (TOP / ".github" / "pull_request_template.md").read_text("utf-8")
    named = [target for text in re.findall(r"`make ([a-z -]+)`", form) for target in text.split()]

    assert named != []
    assert [target for target in named if f"\n{target}:" not in MAKEFILE] == []


def loaded(name: str) -> Any:
    return yaml.safe_load(Path(TOP / name).read_text("utf-8"))
