"""Which files count as the project's, and which test result counts for a file."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from msgspec.structs import replace

from carryover.distill.choice import files_not_held
from carryover.distill.digest import Digest, EditedFile, SeenRun
from carryover.distill.render import lay_out, render
from carryover.distill.sections.recent_files import (
    TestState,
    file_entries,
    newest_edits,
    placed,
    recent_files,
    relative,
    run_and_place,
)
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Boxes, Facts, FileFacts
from carryover.model import ChangedElsewhere, FileEdit
from carryover.testruns.run import TestOutcome, TestRun
from support.conversation import GOAL, MINUTE_MS, ROOT, handoff, past, project, session, under, worked

EDITED_MS = 5_000
Change = Literal["add", "modify", "delete", "rename"]


@pytest.mark.parametrize(
    ("path", "root", "shown"),
    [
        ("/shop/cart.py", "/shop", "cart.py"),
        ("/shop/cart.py", "/shop/", "cart.py"),
        ("/shops/cart.py", "/shop", None),
        ("/Shop/cart.py", "/shop", None),
        ("/shop/../etc/passwd", "/shop", None),
        ("/shop/.git/HEAD", "/shop", None),
        ("c:\\Shop\\cart.py", "C:/shop", "cart.py"),
        ("C:\\shop\\cart.py", "C:\\shop", "cart.py"),
        ("/c/Shop/cart.py", "C:\\shop", "cart.py"),
        ("/c/shop/cart.py", "/shop", None),
        ("D:\\shop\\cart.py", "C:\\shop", None),
        ("/shop", "/shop", None),
        ("/shop/", "/shop", None),
        ("/shop/node_modules/a.js", "/shop", None),
        ("/shop/.carryover/handoff.md", "/shop", None),
        ("/shop/src/../../etc/passwd", "/shop", None),
        ("/shop/src/..", "/shop", None),
        ("/shop/.github/ci.yml", "/shop", ".github/ci.yml"),
    ],
)
def test_a_file_is_named_from_the_root_on_windows_in_either_case(path: str, root: str, shown: str | None) -> None:
    assert relative(path, root) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/shop/cart.py", "cart.py"),
        ("/old/cart.py", "cart.py"),
        ("/shop/.git/HEAD", None),
        ("/shop/node_modules/a.js", None),
        ("/blog/a.py", "/blog/a.py"),
        ("/home/dev/.claude/CLAUDE.md", "/home/dev/.claude/CLAUDE.md"),
        ("/home/dev/.cache/a.py", None),
        ("/root/.cache/a.py", None),
        ("/home/dev/notes/.records/0001-cents.md", "/home/dev/notes/.records/0001-cents.md"),
        ("/home/dev/notes/.git/config", None),
        ("/home/dev/notes/node_modules/a.js", None),
        ("/var/www/blog/a.py", "/var/www/blog/a.py"),
        ("/var/log/a.txt", None),
        ("/tmp/a.py", None),
        ("cart.py", None),
        ("C:\\blog\\a.py", "C:/blog/a.py"),
    ],
)
def test_a_file_outside_is_named_in_full_unless_a_program_keeps_it_for_itself(path: str, shown: str | None) -> None:
    view = ProjectView(root="/shop", sessions=(), former_roots=("/old",))

    assert placed(path, view, outside=True) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("E:\\notes\\tax.md", "E:/notes/tax.md"),
        ("d:/Shop/cart.py", "cart.py"),
        ("d:\\shop\\.git\\HEAD", None),
        ("C:\\Users\\dev\\.npm\\a.js", None),
        ("C:\\Users\\dev\\AppData\\Local\\Temp\\a.py", None),
    ],
)
def test_so_is_one_on_another_drive_of_windows(path: str, shown: str | None) -> None:
    assert placed(path, ProjectView(root="D:\\shop", sessions=()), outside=True) == shown


@pytest.mark.parametrize(("said", "is_shown"), [("Set the model in settings.json", True), ("Set the model", False)])
@pytest.mark.parametrize("path", ["/home/dev/.agent/settings.json", "C:\\Users\\dev\\.agent\\settings.json"])
def test_a_setting_of_a_program_is_shown_if_the_conversation_names_it(path: str, said: str, is_shown: bool) -> None:
    talk = session("s1").user(said).edited("cart.py").event(FileEdit(path=path, change="modify")).says("Done.")
    view = project(talk)

    shown = [path.replace("\\", "/")] if is_shown else []
    assert [file.path for file in recent_files(view)] == [*shown, "cart.py"]
    assert [path for path, _ in newest_edits(view, outside=False)] == ["cart.py"], "no file of another project is read"


def test_scratch_files_and_settings_are_shown_if_nothing_else_was_edited() -> None:
    talk = session("s1").user("Port it to C.")
    aside = ["/tmp/uuid-c/uuid.c", "/home/dev/.agent/memory/rules.md"]
    for path in (*aside, "/tmp/uuid-c/.git/HEAD", "/proc/1/mem"):
        talk.event(FileEdit(path=path, change="modify"))
    talk.event(FileEdit(path="/tmp/try.c", change="add")).event(FileEdit(path="/tmp/try.c", change="delete"))

    assert sorted(file.path for file in recent_files(project(talk))) == sorted(aside)
    assert newest_edits(project(talk), outside=False) == [], "no file of another project is read"
    assert [file.path for file in recent_files(project(talk.edited("cart.py")))] == ["cart.py"]


def test_the_file_that_was_edited_most_stays_as_long_as_the_second() -> None:
    names = [f"{letter * 150}.py" for letter in "abcdef"]
    talk = session("s1").user(GOAL).edited(names[2]).edited(names[2])
    for name in (*names[:2], *names[3:]):
        talk.edited(name)
    entries = file_entries(past(talk.says("Done.")), recent_files(project(talk)))
    ranks = {entry.text[1:].partition("`")[0]: entry.rank for entry in entries}

    assert [name for name, rank in ranks.items() if rank is not None] == [names[5], names[4], names[2]]


def test_files_that_have_no_line_are_named_in_one_those_edited_most_first() -> None:
    talk = session("s1").user(GOAL)
    for number in (1, 2, 3, 3, 4, 5, 6, 7, 8):
        talk.edited(f"{'deep/' * 20}part{number}/page.py").edited(f"{number}.py")
    made = handoff(talk.edited("6.py").edited("6.py").says("Done."))
    lines = dict(lay_out(replace(made, tokens=240)))["Recent files"]
    own = [line for line, entry in lines if entry.kind == "edit"]
    [rest] = [line for line, entry in lines if entry.label == "Also edited"]

    assert "`6.py`: edited 3 times" in own[0]
    assert rest.startswith("- Also edited: `part3/page.py`, `")
    assert not any("part3/" in line for line in own)
    assert "Also edited" not in under("Recent files", worked()), "nothing is left to name"


def test_the_newest_files_come_first_and_those_that_are_gone_again_last() -> None:
    talk = session("s1").user(GOAL).edited("first.py").edited("second.py")
    talk.event(FileEdit(path=f"{ROOT}/gone.py", change="add")).event(FileEdit(path=f"{ROOT}/gone.py", change="delete"))
    beside = session("s2").user(GOAL)
    beside.at_ms = talk.at_ms - 3 * MINUTE_MS
    files = recent_files(project(talk, beside.edited("also second.py")))

    assert [file.path for file in files] == ["also second.py", "second.py", "first.py", "gone.py"]
    assert [file.path for file in recent_files(project(talk), limit=2)] == ["second.py", "first.py"]


def status_after(outcome: TestOutcome, ran_ms: int) -> TestState | None:
    run = TestRun(status=outcome, files={"test_cart.py": outcome})
    digest = Digest(
        touched=(EditedFile(path="/shop/test_cart.py", change="modify", at_ms=EDITED_MS),),
        runs=(SeenRun(run=run, at_ms=ran_ms, command="pytest"),),
    )
    session = SessionView(session="s1", agent="claude-code", started_ms=0, last_ms=EDITED_MS, digest=digest)
    [file] = recent_files(ProjectView(root="/shop", sessions=(session,)))
    return file.status


@pytest.mark.parametrize(
    ("outcome", "ran_ms", "status"),
    [
        ("pass", EDITED_MS + 1, "pass"),
        ("pass", EDITED_MS, "pass"),
        ("pass", EDITED_MS - 1, "unknown"),
        ("fail", EDITED_MS + 1, "fail"),
        ("fail", EDITED_MS, "fail"),
        ("fail", EDITED_MS - 1, "failing before this edit"),
    ],
)
def test_a_result_counts_if_it_is_not_older_than_the_edit(outcome: TestOutcome, ran_ms: int, status: TestState) -> None:
    assert status_after(outcome, ran_ms) == status


def test_of_a_file_that_several_sessions_edited_the_newest_edit_counts() -> None:
    first = session("s1").user(GOAL).event(FileEdit(path=f"{ROOT}/cart.py", change="add"))
    second = session("s2", hours=1).user(GOAL).edited("cart.py")

    for talks in ((first, second), (second, first)):
        view = ProjectView(root=ROOT, sessions=tuple(talk.view() for talk in talks))
        assert [file.touched.session for file in recent_files(view)] == ["s2"]


@pytest.mark.parametrize(
    ("command", "folder", "shown"),
    [
        ("pytest", "/shop/.claude/worktrees/tax", ("pytest", "")),
        ("cd web && pytest", "/shop/.claude/worktrees/tax", ("pytest", "web")),
        ("cd  /shop//web && pytest", "/shop", ("pytest", "web")),
        ("cd /shop/../tax && pytest", "/shop", ("pytest", "../tax")),
        ("cd ~/tax && pytest", "/shop/web", ("pytest", "~/tax")),
        ('cd "$TAX" && pytest', "/shop/web", ("pytest", "$TAX")),
        ("cd / && pytest", "/shop", ("cd / && pytest", "")),
        ("cd - && pytest", "/shop", ("cd - && pytest", "")),
        ("cd web 2>/dev/null && pytest", "/shop", ("cd web 2>/dev/null && pytest", "")),
        (r"cd D:\shop && pytest", r"C:\x", ("pytest", "")),
        (r"cd /d D:\shop\my web && pytest", r"D:\shop", ("pytest", "my web")),
    ],
)
def test_where_tests_were_run(command: str, folder: str, shown: tuple[str, str]) -> None:
    talk = session("s1").user(GOAL)
    talk.cwd = folder
    [run] = talk.ran(command, "5 passed in 1s").digest.runs
    root = "D:/shop" if "D:" in command else "/shop"
    view = ProjectView(root=root, sessions=(), checkouts=(f"{root}/.claude/worktrees/tax",))

    assert run_and_place(run, view) == shown


@pytest.mark.parametrize("outside", [True, False])
def test_a_file_in_another_checkout_of_the_project_is_named_in_full(outside: bool) -> None:
    view = ProjectView(root="/shop", sessions=(), checkouts=("/trees/tax",))

    assert placed("/trees/tax/tax.py", view, outside=outside) == "/trees/tax/tax.py"
    assert (placed("/blog/a.py", view, outside=outside) is not None) is outside


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("cart.py", "modify", "tests pass"),
        ("cart.py", "delete", None),
        ("README.md", "modify", None),
        ("paper/cart.tex", "modify", None),
        ("paper/cart.pdf", "modify", None),
        ("web/cart.PNG", "modify", None),
        ("settings.YAML", "modify", None),
        ("LICENSE", "modify", None),
        (".gitignore", "modify", None),
        (".eslintrc.js", "modify", "tests pass"),
    ],
)
def test_only_of_code_that_is_there_it_says_whether_tests_pass(path: str, change: Change, status: str | None) -> None:
    talk = session("s1").user(GOAL).event(FileEdit(path=f"{ROOT}/{path}", change=change))
    said = under("Recent files", talk.says("Done."))
    assert "tests" not in said, "there was no test run"

    ran = under("Recent files", talk.ran("pytest -q", "84 passed in 2.1s").says("It passes."))
    assert ("tests pass" in ran) is (status is not None)


@pytest.mark.parametrize(
    ("folder", "status"),
    [(ROOT, "pass"), (f"{ROOT}/tests", "pass"), (f"{ROOT}/web", "unknown"), ("/blog", "unknown")],
)
def test_a_run_covers_what_is_below_the_folder_that_its_command_names(folder: str, status: str) -> None:
    talk = session("s1").user(GOAL).edited("shop/cart.py").ran(f"cd {folder} && pytest -q", "84 passed in 2.1s")

    assert f"tests {status}" in under("Recent files", talk.says("It passes."))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["modify"], "edited"),
        (["modify", "modify"], "edited 2 times"),
        (["add"], "added"),
        (["add", "modify"], "added, then edited"),
        (["add", "modify", "modify"], "added, edited 2 times"),
        (["modify", "delete"], "deleted"),
        (["rename"], "moved here"),
        (["delete", "add"], "edited"),
        (["modify", "delete", "add"], "edited 2 times"),
        (["add", "delete", "add"], "added, then edited"),
    ],
)
def test_it_says_what_was_done_to_a_file_and_how_often(changes: list[Change], words: str) -> None:
    talk = session("s1").user(GOAL)
    for change in changes:
        talk.event(FileEdit(path=f"{ROOT}/tax.py", change=change))

    assert f"`tax.py`: {words} 1 min earlier" in under("Recent files", talk.says("Done."))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (FileFacts(exists=True), "`tax.py`: edited 1 min earlier"),
        (FileFacts(exists=True, symbol="Tax.rate"), "`tax.py` (Tax.rate): edited 1 min earlier"),
        (FileFacts(exists=False), "`tax.py`: edited 1 min earlier, not there now"),
        (FileFacts(exists=True, boxes=Boxes(3, 2)), "`tax.py`: edited 1 min earlier, 2 of 3 boxes checked"),
    ],
)
def test_it_says_how_a_file_is_now(facts: FileFacts, words: str) -> None:
    talk = session("s1").user(GOAL).edited("tax.py").says("Done.")

    assert f"- {words}\n" in render(handoff(talk, facts=Facts(files={"tax.py": facts})))


def test_files_that_were_only_read_are_in_play_and_those_that_were_edited_are_not_named_again() -> None:
    talk = session("s1").user(GOAL)
    for path in (f"{ROOT}/a.py", f"{ROOT}/cart.py", "/blog/b.py", f"{ROOT}/c.py", f"{ROOT}/a.py"):
        talk.ran(path, "x = 1", op="read", name="Read")

    [files] = [
        line for line in render(handoff(talk.edited("cart.py").says("Done."))).splitlines() if "Files in" in line
    ]
    assert files == "- Files in play: a.py, c.py"


def test_a_file_in_play_whose_name_has_blanks_is_named_whole() -> None:
    talk = session("s1").user(GOAL).ran(f"{ROOT}/notes/Oven No 2.md", "x", op="read", name="Read")
    text = render(handoff(talk.ran("b.md", "x", op="read", name="Read").says("Done.")))

    assert "- Files in play: `notes/Oven No 2.md`\n" in text


def test_a_file_that_was_deleted_is_not_in_play_but_says_that_others_are_files() -> None:
    talk = session("s1").user(GOAL).ran(f"cat {ROOT}/lib/b.py", "x = 1")
    for path in (f"{ROOT}/lib/b.py", f"{ROOT}/.env.py", "/blog/c.py"):
        talk.event(FileEdit(path=path, change="delete"))

    names = dict(handoff(talk.ran(f"cat {ROOT}/c.py .env.py", "x = 1").says("Done.")).names)
    assert files_not_held(names, (), ROOT, 100) == "c.py"


@pytest.mark.parametrize(
    ("command", "marked"),
    [
        ("git add cart.py && git status --short", True),
        ("git -C shop diff --stat | cat", True),
        ("git diff 2>/dev/null", True),
        ("git diff", True),
        ("git diff main..cap cart.py", False),
        ("git log --oneline", False),
    ],
)
def test_what_was_not_committed_is_marked_once_something_was(command: str, marked: bool) -> None:
    talk = session("s1").user(GOAL).ran(command, "M cart.py")
    assert "committed since" not in under("Recent files", talk)

    talk.ran("git commit -m 'Cap it'", "[main 1a2b3c4] Cap it")
    assert ("(committed since): M cart.py" in under("Recent files", talk)) == marked


@pytest.mark.parametrize("command", ["sort cart.py", f"cd {ROOT} && sort ./cart.py", 'Get-Item "lib\\cart.py"'])
def test_a_command_that_only_looked_at_a_file_is_left_out_after_an_edit(command: str) -> None:
    talk = session("s1").user(GOAL).ran(command, "the okapi of the file").says("I see.")
    assert ": the okapi of the file" in under("Recent files", talk)
    talk.edited("lib/cart.py").says("Done.")

    assert under("Recent files", talk) == "`lib/cart.py`: edited 1 min earlier"
    assert "edited since" not in under("Recent files", session("s1").user(GOAL).ran("make cart.py").edited("cart.py"))
    assert "edited since): the zebra" not in under("Recent files", talk.ran(command, "the zebra of the file"))


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("cat cart.py && ls src", ["end"]),
        ("ls src; echo ---; cat cart.py | head", ["begin"]),
        ("ls src\ncat cart.py\ngit status", ["begin", "end"]),
        ("wc cart.py; cat ./cart.py | head && echo end", []),
        ("cd src && [ -f cart.py ] && wc cart.py || true", []),
        ("for f in cart.py; do cat $f; done; ls src", []),
    ],
)
def test_of_a_command_of_several_parts_what_others_than_the_edited_file_printed_stays(
    command: str, shown: list[str]
) -> None:
    printed = "\n".join(f"{place} {at} as it was" for place in ("begin", "mid", "end") for at in range(5))
    talk = session("s1").user(GOAL).ran(command, printed).says("I see.").edited("cart.py").says("Done.")

    text = under("Recent files", talk)
    assert ("`cart.py` edited since)" in text) == bool(shown)
    assert [place for place in ("begin", "mid", "end") if f"{place} 2 as it was" in text] == shown


def test_what_a_search_found_in_a_file_is_marked_once_the_file_was_edited() -> None:
    found = f"lib/cart.py:12:okapi\nC:\\shop\\tax.py:3: okapi\nin {ROOT}/bill.py okapi"
    talk = session("s1").user(GOAL).ran("okapi", found, op="search", name="Grep").edited("bill.py").says("I see.")
    assert "edited since" not in under("Recent files", talk)

    assert "`cart.py` edited since): lib/cart.py:12:okapi" in under(
        "Recent files", talk.edited("lib/cart.py").says("Done.")
    )


def test_the_newest_file_has_a_line_in_a_small_handoff_too_though_others_name_it() -> None:
    said = [
        f"Part {at} of cart.py is rounded by the list of March, as the tax office wants it to be. " * 3
        for at in range(9)
    ]
    asks = "\n".join(f"{at}. {words}" for at, words in enumerate(said))
    talk = session("s1").user("".join(said[:4])).edited("cart.py").says(said[0])
    talk.user("".join(said[4:8])).says(f"{said[8]}\n\n{asks}\nWhich of these shall I take?")

    texts = [render(replace(handoff(talk), tokens=tokens)) for tokens in range(420, 600, 10)]
    assert all("`cart.py`: edited" in text for text in texts)


def test_a_commit_that_an_agent_made_by_itself_is_told_once() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").ran("git commit", "[HEAD 1a2b3c4] Round the discount")
    talk.says("It is rounded.").user("And the tax?").edited("tax.py").ran("git commit", "[HEAD 5d6e7f8] Round the tax")
    text = render(handoff(talk.says("Round the tax")))

    assert "): Round the discount (1a2b3c4)" in text
    assert "claude-code's last words (turn 2): Round the tax" in text
    assert (text.count("Round the discount"), text.count("Round the tax"), text.count("git commit")) == (1, 1, 0)


def test_a_file_that_someone_else_changed_since_the_agents_edit_says_so() -> None:
    talk = session("s1").user("Set the fee.").edited("fee.py").edited("vat.py").says("Set.")
    talk.ran(f"cat {ROOT}/fee.py").user("Go on.")
    for name in ("fee.py", "never_edited.py"):
        talk.event(ChangedElsewhere(path=f"{ROOT}/{name}"))

    shown = under("Recent files", talk.says("Ok."))
    assert re.search(r"`fee.py`: edited \d min earlier, then changed by someone or something else \d min", shown)
    assert "`vat.py`: edited" in shown
    assert "never_edited" not in shown
    assert "else" not in under("Recent files", talk.user("Again.").edited("fee.py"))


def test_what_a_command_of_the_agent_changed_is_not_someone_elses() -> None:
    talk = session("s1").user("Set the fee.").edited("fee.py").ran("echo VAT = 7 >> fee.py")

    assert "else" not in under("Recent files", talk.event(ChangedElsewhere(path=f"{ROOT}/fee.py")))


def test_files_that_were_made_and_removed_again_lead_to_no_task() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").says("Done.").user("How would vouchers look, roughly drawn?")
    for at in range(3):
        talk.event(FileEdit(path=f"{ROOT}/{at}/vouchers.md", change="add"))
    talk.says("Here it is.")
    for at in range(3):
        talk.user(f"Clean up {at}, please.").ran(f"rm -r {ROOT}/{at}").says("It is gone.")

    assert "vouchers" not in under("Task", talk.user("Round the discount down, always."))
