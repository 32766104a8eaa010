"""With `local`, agents find a pointer and git shows nothing; all of it goes again, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import Pointers, ProjectSettings
from carryover.outside.apply import plan_edit
from carryover.probe.checkout import Checkout
from carryover.publish.local_pointers import local_names, unhide
from carryover.publish.pointers import NEW_FILE
from carryover.publish.project_files import our_texts_in, place
from carryover.redact import CleanText
from support.passes import begun
from support.publishing import edited_by, publish, withdraw
from support.repository import git, repository
from support.shared_rule import add_shared_rule

BLOCK = NEW_FILE.decode()
RULES = {
    ".cline/rules/carryover-handoff.md": BLOCK,
    ".continue/rules/carryover.md": BLOCK,
    ".cursor/rules/carryover.mdc": (
        f"---\ndescription: Where the last session left off\nalwaysApply: true\n---\n{BLOCK}"
    ),
    ".github/instructions/carryover.instructions.md": f'---\napplyTo: "**"\n---\n{BLOCK}',
    ".qwen/rules/carryover.md": BLOCK,
    ".roo/rules/carryover-handoff.md": BLOCK,
    ".windsurf/rules/carryover.md": f"---\ntrigger: always_on\n---\n{BLOCK}",
}
LOCAL = ProjectSettings(pointers="local")


def published(root: Path, settings: ProjectSettings = LOCAL) -> tuple[str, ...]:
    def done() -> None:
        result = publish(root, CleanText("# [CARRYOVER] \n"), settings)
        assert (result.refusal, result.notes) == (None, ())

    return edited_by(done, root)


def tree(root: Path) -> dict[str, str | None]:
    """The project's files and folders, but those of git and of Carryover; and what git hides."""
    found = {str(path.relative_to(root)): path for path in sorted(root.rglob("*"))}
    texts = {
        name: path.read_bytes().decode() if path.is_file() else None
        for name, path in found.items()
        if Path(name).parts[0] not in (".git", ".carryover")
    }
    return {**texts, "exclude": Checkout(root).exclude.read_text()}


def files(root: Path) -> dict[str, str]:
    return {name: text for name, text in tree(root).items() if text is not None and name != "exclude"}


def status(root: Path) -> str:
    return git(root, "status", "--porcelain", "--untracked-files=all")


def test_where_no_branch_has_an_agents_file_one_is_made_that_git_does_not_show(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})

    assert published(root) == ("AGENTS.md",)
    assert published(root) == ()
    assert files(root) == {"a.py": "1\n", "AGENTS.md": BLOCK}
    assert status(root) == ""


def test_the_rule_that_was_shared_goes_from_gitignore(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    published(root, ProjectSettings(pointers="shared"))
    add_shared_rule(root)

    published(root)

    assert not (root / ".gitignore").exists()
    assert status(root) == ""


def test_where_one_is_tracked_each_agent_gets_a_file_of_its_own(home: Path) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be brief.\n"})

    published(root)

    assert files(root) == {"AGENTS.md": "Be brief.\n", **RULES}
    assert status(root) == ""
    published(root, ProjectSettings(pointers="local", agents=("cursor",)))
    assert files(root).keys() == {"AGENTS.md", ".cursor/rules/carryover.mdc"}


def test_claude_gets_one_only_where_a_text_of_the_user_s_hides_agents_md_from_it_anyway(home: Path) -> None:
    root = repository(home / "app", {"CLAUDE.md": "Be Claude.\n"})

    published(root)
    assert files(root) == {"CLAUDE.md": "Be Claude.\n", "AGENTS.md": BLOCK, "CLAUDE.local.md": BLOCK}

    (root / "CLAUDE.md").write_text("@AGENTS.md\n")
    published(root)
    assert "CLAUDE.local.md" in files(root), "the import is text too"
    (root / "CLAUDE.md").write_text("")
    published(root)
    assert files(root) == {"CLAUDE.md": "", "AGENTS.md": BLOCK}


def on_another_branch(root: Path) -> None:
    git(root, "switch", "--quiet", "--create", "other")
    (root / "AGENTS.md").write_text("Be brief.\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "rules")
    git(root, "switch", "--quiet", "main")


def on_a_remote_s(root: Path) -> None:
    on_another_branch(root)
    git(root, "update-ref", "refs/remotes/origin/other", "other")
    git(root, "branch", "--quiet", "-D", "other")


def in_a_stash(root: Path) -> None:
    (root / "AGENTS.md").write_text("Be brief.\n")
    git(root, "stash", "--quiet", "--include-untracked")


def in_another_checkout(root: Path) -> None:
    git(root, "worktree", "add", "--quiet", "../tree")
    (root.parent / "tree" / "AGENTS.md").write_text("Be brief.\n")


def by_another_case(root: Path) -> None:
    (root / ".git" / "info" / "exclude").write_text("Agents.md\n")
    (root / "Agents.md").write_text("Be brief.\n")


def taken_in_by_a_rule(root: Path) -> None:
    (root / ".git" / "info" / "exclude").write_text(".gitignore\n")
    (root / ".gitignore").write_text("!AGENTS.md\n")


@pytest.mark.parametrize(
    "taken",
    [on_another_branch, on_a_remote_s, in_a_stash, in_another_checkout, by_another_case, taken_in_by_a_rule],
    ids=lambda taken: taken.__name__,
)
def test_a_name_that_is_another_s_is_not_taken(home: Path, taken: Callable[[Path], None]) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    taken(root)

    published(root)

    assert not (root / "AGENTS.md").exists()
    assert "/AGENTS.md" not in Checkout(root).exclude.read_text()
    assert status(root) == ""


def test_what_the_user_commits_is_theirs(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    published(root)
    git(root, "add", "--force", "AGENTS.md")
    git(root, "commit", "--quiet", "--message", "rules")

    published(root)

    assert files(root)["AGENTS.md"] == BLOCK
    assert status(root) == ""
    assert "AGENTS.md" not in begun(root).listed


def test_what_no_agent_reads_any_more_is_not_ours_any_more(home: Path) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be brief.\n"})
    (root / ".carryover").mkdir()
    edits = begun(root)
    place(edits, ProjectSettings(pointers="local", agents=("windsurf",)))
    assert ".windsurf/rules/carryover.md" in edits.listed

    place(edits, ProjectSettings(pointers="local", agents=()))

    assert edits.listed == set()
    assert files(root) == {"AGENTS.md": "Be brief.\n"}


def test_a_change_of_mode_alone_makes_no_file(home: Path) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be brief.\n"})
    published(root, ProjectSettings(pointers="shared"))
    settings = ProjectSettings(pointers="local", agents=("windsurf",))

    withdraw(root, settings)

    assert files(root) == {"AGENTS.md": "Be brief.\n"}
    assert published(root, settings) == (".windsurf/rules/carryover.md",)


def test_where_no_rule_can_be_added_what_is_hidden_already_stays(home: Path) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be brief.\n"})
    published(root, ProjectSettings(pointers="local", agents=("cursor",)))
    Checkout(root).exclude.chmod(0o444)

    done = publish(
        root, CleanText("# [CARRYOVER] \n"), ProjectSettings(pointers="local", agents=("cursor", "windsurf"))
    )

    assert done.notes == (".git/info/exclude was left alone: it is read-only",)
    assert files(root).keys() == {"AGENTS.md", ".cursor/rules/carryover.mdc"}


def test_a_file_that_the_user_extends_is_theirs_and_shown(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    published(root, ProjectSettings(pointers="local", agents=("claude-code",)))
    (root / "AGENTS.md").write_text(f"Be brief.\n\n{BLOCK}")

    published(root, ProjectSettings(pointers="local", agents=("claude-code",)))

    assert files(root) == {"a.py": "1\n", "AGENTS.md": "Be brief.\n"}
    assert status(root) == "?? AGENTS.md\n"


def test_what_the_user_adds_to_an_agents_own_file_stays_when_ours_leaves(home: Path) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be brief.\n"})
    published(root)
    rule = root / ".windsurf/rules/carryover.md"
    rule.write_text(f"{rule.read_text()}\nNever use floats.\n")

    withdraw(root, ProjectSettings(pointers="off"))

    assert "Never use floats." in rule.read_text()
    assert BLOCK not in rule.read_text()
    assert files(root).keys() == {"AGENTS.md", ".windsurf/rules/carryover.md"}


def test_a_branch_that_has_one_can_be_checked_out_and_left(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    published(root)
    git(root, "switch", "--quiet", "--create", "other")
    (root / "AGENTS.md").write_text(f"Be brief.\n\n{BLOCK}")
    git(root, "add", "--force", "AGENTS.md")
    git(root, "commit", "--quiet", "--message", "rules")

    for branch in ("main", "other", "main"):
        git(root, "switch", "--quiet", branch)
        published(root)
        assert status(root) == ""
        assert (root / "AGENTS.md").exists() is (branch == "other")


@pytest.mark.parametrize("then", ["off", "shared"])
@pytest.mark.parametrize("exclude", ["", "a", "a\n", "a\r\nb\r\n"])
def test_what_was_made_goes_without_a_trace(home: Path, exclude: str, then: Pointers) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be brief.\n", "CLAUDE.md": "Be Claude.\n", ".cursor/a": "1\n"})
    Checkout(root).exclude.write_bytes(exclude.encode())
    (root / ".windsurf").mkdir()  # an empty folder of the user's
    before = tree(root)
    published(root)
    assert tree(root) != before

    if then == "off":
        withdraw(root, ProjectSettings(pointers="off"))
    else:
        published(root, ProjectSettings(pointers=then))
        withdraw(root, ProjectSettings(pointers="off"))

    assert tree(root) == before


def test_what_was_shared_before_goes_at_once_and_the_rest_at_the_next_turn(home: Path) -> None:
    root = repository(home / "app", {"CLAUDE.md": "Be Claude.\n"})
    published(root, ProjectSettings())

    withdraw(root, LOCAL)
    assert files(root).get("CLAUDE.md") == "Be Claude.\n"
    assert status(root) == ""
    published(root)
    assert files(root) == {"CLAUDE.md": "Be Claude.\n", "AGENTS.md": BLOCK, "CLAUDE.local.md": BLOCK}
    for _ in range(2):  # at each change of a setting
        withdraw(root, LOCAL)
        assert "CLAUDE.local.md" in files(root)


def test_outside_of_a_repository_nothing_is_made(home: Path) -> None:
    (home / "notes").mkdir()

    assert published(home / "notes") == ()


def test_a_file_that_the_user_extends_is_shown_even_where_no_handoff_may_be_written(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    published(root)
    (root / ".gitignore").write_text("!.carryover\n")
    (root / "AGENTS.md").write_text("Be brief.\n")

    assert publish(root, CleanText("# [CARRYOVER] \n"), LOCAL).refusal is not None
    assert status(root) == "?? .gitignore\n?? AGENTS.md\n"


def test_a_folder_that_leads_into_another_project_is_left_alone(home: Path) -> None:
    """Whatever a stranger's list says of what was edited."""
    shop, other = (repository(home / name, {"AGENTS.md": "Use decimals.\n"}) for name in ("shop", "other"))
    published(shop)
    before = files(shop)
    (other / ".carryover").mkdir(mode=0o700)
    lines = [*RULES, *(f"{folder}/" for name in RULES for folder in (Path(name).parts[0], Path(name).parent))]
    (other / ".carryover" / "edited").write_text("".join(f"{line}\n" for line in lines))
    for name in RULES:
        (other / Path(name).parts[0]).symlink_to(shop / Path(name).parts[0])

    for pointers in ("local", "off"):
        settings = ProjectSettings(pointers=pointers)
        publish(other, CleanText("# [CARRYOVER] \n"), settings)
        withdraw(other, settings)
        for text in our_texts_in(other, RULES):
            assert plan_edit(text, out=True).reason == "there is a symlink on the way to it"

    assert files(shop) == before


def test_where_each_file_is_another_checkout_s_too_all_stay_hidden(home: Path) -> None:
    app = repository(home / "app", {"a.py": "1\n"})
    git(app, "worktree", "add", "--quiet", "../tree")
    for name, text in local_names().items():
        (home / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "tree" / name).write_bytes(text)
    published(app)
    rules = Checkout(app).exclude.read_bytes()

    edits = begun(app)
    unhide(edits)

    assert (edits.done, edits.notes, Checkout(app).exclude.read_bytes()) == ([], [], rules)


@pytest.mark.parametrize("submodule", [True, False])
def test_a_folder_with_a_repository_of_its_own_gets_nothing(home: Path, submodule: bool) -> None:
    """That one has other rules, and would show it."""
    app, rules = repository(home / "app", {"AGENTS.md": "Use decimals.\n"}), home / "app" / ".cursor"
    if submodule:
        theirs = repository(home / "theirs", {"rules.md": "1\n"})
        git(app, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(theirs), ".cursor")
        git(app, "commit", "--quiet", "--message", "rules")
    else:
        repository(rules, {"rules.md": "1\n"})
    before = status(app)

    assert ".cursor/rules/carryover.mdc" not in published(app)
    assert (status(rules), status(app)) == ("", before)


def test_while_git_cannot_say_what_a_branch_has_all_pointers_stay_and_the_handoff_is_written(shop: Path) -> None:
    published(shop)
    before = files(shop)
    (shop / ".git" / "refs" / "heads" / "lost").write_text(f"{'1' * 40}\n")

    result = publish(shop, CleanText("# [CARRYOVER] \nnewer\n"), LOCAL)

    assert (result.refusal, files(shop)) == (None, before)
    assert "AGENTS.md was left alone: git could not say which branch has one" in " ".join(result.notes)
    assert "newer" in (shop / ".carryover" / "handoff.md").read_text()
