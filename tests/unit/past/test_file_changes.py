from __future__ import annotations

import difflib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.facts import ProjectRoot
from carryover.ledger.queries import project_by_root
from carryover.ledger.sessions import move_project
from carryover.model import AssistantMessage, FileEdit, Retracted, ToolCall, UserPrompt
from carryover.past.file_changes import TurnChange, changes_of
from carryover.past.line_history import LineHistory, line_history
from carryover.past.line_origin import LineWriter, removed_by, writers_of, writes
from carryover.records.changes import Replacement, hunks_in, patched, replaced, written
from carryover.text.pasted import as_pasted
from support.claude_session import commit
from support.costs import costing_little
from support.repository import git, repository
from support.scribe import Scribe


def edit(path: str, change: str = "modify", old_path: str | None = None, added: int | None = None) -> FileEdit:
    return FileEdit(path=path, change=change, old_path=old_path, added=added)  # type: ignore[arg-type]


def changes(scribe: Scribe, file: str, root: str = "/repo") -> list[TurnChange]:
    project = project_by_root(scribe.db, root)
    assert project is not None
    return changes_of(scribe.db, project, file)


async def test_edits_of_a_turn_are_one_change_with_its_prompt(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a cart"),
        scribe.event(edit("/repo/cart.py", "add", added=9)),
        scribe.event(edit("/repo/cart.py", added=2)),
        scribe.event(f"now test it\n\n{as_pasted('KeyError')}"),
        scribe.event(edit("/repo/cart.py")),
        scribe.event(edit("/repo/sub/cart.py")),
        scribe.event(ToolCall(call_id="c", name="Read", op="read", subject="/repo/cart.py")),
    )

    found = changes(scribe, "/repo/cart.py")
    assert [(each.prompt, each.change, each.edits, each.added) for each in found] == [
        ("now test it\n\nKeyError", "modify", 1, None),
        ("add a cart", "add", 2, 11),
    ]


async def test_a_short_prompt_has_the_question_that_it_answers(scribe: Scribe) -> None:
    longest = "yes, as the importer does it: whole cent"
    asks = f"Shall I round {'the price of each part of the cart ' * 9}in whole cents?"
    says = AssistantMessage(text=f"Tests fail.\n\n{asks}", final=True)
    await scribe.tell(
        scribe.event("why are floats in the cart?"),
        scribe.event(AssistantMessage(text="Shall I look?", final=True)),
        scribe.event(says),
        scribe.event(AssistantMessage(text="Shall I undo it?", final=True), key="undo"),
        scribe.event(Retracted(keys=("undo",))),
    )
    elsewhere = scribe.event(AssistantMessage(text="Shall I wait?", final=True), session="s2")
    await scribe.tell(elsewhere, path="/t/two.jsonl")
    await scribe.tell(
        scribe.event(longest),
        scribe.event(edit("/repo/cart.py")),
        scribe.event(says),
        scribe.event(f"{longest}s"),
        scribe.event(edit("/repo/cart.py")),
        scribe.event(AssistantMessage(text="Shall I push?", final=True)),
        scribe.event(UserPrompt(text="", command="/simplify")),
        scribe.event(edit("/repo/cart.py")),
        scribe.event(AssistantMessage(text="Shall I tell?", final=True)),
    )

    [command, long, asked] = [each.asked for each in changes(scribe, "/repo/cart.py")]
    assert (command, long) == ("", "")
    assert len(asked) <= 160
    assert (asked[:13], asked[-84:]) == (asks[:13], asks[-84:])


async def test_a_file_is_followed_to_its_former_names_and_its_project_to_its_former_path(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("begin"),
        scribe.event(edit("/repo/basket.py", "add")),
        scribe.event("rename it"),
        scribe.event(edit("/repo/cart.py", "rename", "/repo/basket.py")),
    )
    await scribe.tell(scribe.event("hello", session="s2", cwd="/moved"), path="/t/two.jsonl")
    await scribe.ledger.write(move_project, 1, 2)

    found = [(each.prompt, each.path) for each in changes(scribe, "/moved/cart.py", "/moved")]
    assert found == [("rename it", "/repo/cart.py"), ("begin", "/repo/basket.py")]


async def test_under_a_name_that_git_knows_a_file_is_followed_until_it_was_renamed(scribe: Scribe) -> None:
    for at_ms, prompt, name in ((1_000, "begin", "basket"), (2_000, "go on", "cart"), (9_000, "another", "basket")):
        await scribe.tell(scribe.event(prompt, at_ms=at_ms), scribe.event(edit(f"/repo/{name}.py"), at_ms=at_ms + 1))
    project = project_by_root(scribe.db, "/repo")

    def prompts_with(until_ms: int | None) -> list[str | None]:
        former = [("basket.py", until_ms)]
        return [each.prompt for each in changes_of(scribe.db, project, "/repo/cart.py", former)]

    assert prompts_with(1_001) == ["go on", "begin"]
    assert prompts_with(None) == ["another", "go on", "begin"]
    assert changes_of(scribe.db, None, "/repo/cart.py") == []


async def test_other_projects_have_other_files_of_that_name(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("one"), scribe.event(edit("/repo/cart.py")))
    await scribe.tell(
        scribe.event("two", session="s2", cwd="/other"),
        scribe.event(edit("/other/cart.py"), session="s2", cwd="/other"),
        path="/t/two.jsonl",
    )

    assert [each.prompt for each in changes(scribe, "/other/cart.py", "/other")] == ["two"]


def source_of(lines: list[str], at: int, edits: list[FileEdit]) -> LineWriter:
    return writers_of(lines, [at], edits)[0]


def wrote(lines: list[str], at: int, edits: list[FileEdit]) -> tuple[int | None, str]:
    writer = source_of(lines, at, edits)
    return writer.edit, writer.sure


HOUR_MS = 3_600_000
NOW_MS = 1_795_000_000_000


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", {"notes.txt": "\n"})


async def edited(scribe: Scribe, shop: Path, prompt: str, text: str, hour: int, *, anchor: str | None = None) -> None:
    """A turn that leaves the file with this content, and does not say what it wrote."""
    at_ms = NOW_MS + hour * HOUR_MS
    edit = FileEdit(path=str(shop / "cart.py"), change="modify", anchor=anchor)
    (shop / "cart.py").write_text(text)
    await scribe.tell(
        scribe.event(prompt, at_ms=at_ms, cwd=str(shop)), scribe.event(edit, at_ms=at_ms + 1, cwd=str(shop))
    )


def origin(scribe: Scribe, shop: Path, line: int) -> LineHistory:
    project = project_by_root(scribe.db, str(shop))
    [found] = line_history(scribe.db, project, str(shop), shop / "cart.py", line, line)
    return found


def prompts(history: LineHistory) -> list[str | None]:
    return [turn.prompt for turn in history.turns]


async def test_the_commit_of_a_line_tells_which_turns_may_have_written_it(scribe: Scribe, shop: Path) -> None:
    await edited(scribe, shop, "one", "one\n", 1)
    commit(shop, "first", at=datetime.fromtimestamp(NOW_MS / 1000 + 2 * 3600, UTC))
    await edited(scribe, shop, "two", "one\ntwo\n", 3)
    await edited(scribe, shop, "three", "one\ntwo\nthree\n", 4)
    commit(shop, "second", at=datetime.fromtimestamp(NOW_MS / 1000 + 5 * 3600, UTC))
    await edited(scribe, shop, "four", "one\ntwo\nthree\nfour\n", 6)

    found = [origin(scribe, shop, line) for line in (1, 2, 3, 4)]

    assert {each.found for each in found} == {"turns"}
    assert [prompts(each) for each in found] == [["one"], ["three", "two"], ["three", "two"], ["four"]]


async def test_the_first_line_of_an_edit_is_known_by_its_text(scribe: Scribe, shop: Path) -> None:
    await edited(scribe, shop, "one", "one\n", 1, anchor="one")
    await edited(scribe, shop, "two", "one\n    two\n", 2, anchor="    two")

    assert [prompts(origin(scribe, shop, line)) for line in (1, 2)] == [["one"], ["two"]]


async def _in_checkout(scribe: Scribe, main: Path, root: Path, prompt: str, diff: str, *, hours: int = 0) -> None:
    """Records a session that edits `cart.py` in a checkout of `main`."""
    edit = FileEdit(path=str(root / "cart.py"), change="modify", diff=diff, added=diff.count("+"), removed=0)
    checkout = ProjectRoot(str(root), None if root == main else str(main))
    at_ms = NOW_MS + hours * HOUR_MS
    events = [scribe.event(body, at_ms=at_ms, cwd=str(root), session=root.name) for body in (prompt, edit)]
    batch = msgspec.structs.replace(scribe.prepared(*events), roots={str(root): checkout})
    await scribe.commit(batch, path=f"/t/{root.name}.jsonl")


async def test_a_file_written_whole_in_a_worktree_does_not_hide_the_edits_of_the_main_checkout(
    scribe: Scribe, shop: Path
) -> None:
    git(shop, "worktree", "add", "--quiet", str(shop.parent / "tree"), "-b", "other")
    (shop / "cart.py").write_text("one = 1\ntwo = 2\n")
    await _in_checkout(scribe, shop, shop, "Count to two", "+one = 1\n+two = 2")
    await _in_checkout(scribe, shop, shop.parent / "tree", "Count to nine", "+nine = 9", hours=1)

    history = origin(scribe, shop, 2)

    assert (history.found, prompts(history)) == ("followed", ["Count to two"])


async def test_a_line_that_is_not_committed_was_written_in_this_checkout_if_it_may_have_been(
    scribe: Scribe, shop: Path
) -> None:
    """As where two agents try the same, each in a worktree, and something of the other one's is taken over."""
    tree = shop.parent / "tree"
    git(shop, "worktree", "add", "--quiet", str(tree), "-b", "other")
    (shop / "cart.py").write_text("one = 1\ntwo = 2\nnine = 9\n")
    await _in_checkout(scribe, shop, shop, "Count to two", "+one = 1\n+two = 2")
    await _in_checkout(scribe, shop, tree, "Count to nine there", "+one = 1\n+two = 2\n+nine = 9", hours=1)

    lines = [prompts(origin(scribe, shop, line)) for line in (1, 2, 3)]

    assert lines == [["Count to two"], ["Count to two"], ["Count to nine there"]]


def edit_of(before: list[str], after: list[str], *, context: int = 3) -> FileEdit:
    """The edit as a client records it that shows a diff."""
    diff = "\n".join(difflib.unified_diff(before, after, n=context, lineterm=""))
    return patched("/repo/a", hunks_in(diff))


def whole(lines: list[str]) -> FileEdit:
    return written("/repo/a", "\n".join(lines) + "\n")


STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 4)), max_size=8)


@given(steps=STEPS, texts=st.sampled_from(["unique", "alike"]), context=st.sampled_from([1, 3]))
def test_each_line_is_that_of_the_edit_that_wrote_it(
    steps: list[tuple[int, int, int]], texts: str, context: int
) -> None:
    """Each step removes some lines at a place and adds others, as `git blame` would count them."""
    lines: list[tuple[str, int | None]] = [(f"old {number}", None) for number in range(12)]
    edits = []
    for number, (place, removed, added) in enumerate(steps):
        at = min(place, len(lines) - 1)
        text = f"edit {number} line " if texts == "unique" else "line "
        new = [(f"{text}{each}", number) for each in range(added)]
        after = [*lines[:at], *new, *lines[min(at + removed, len(lines) - 1) :]]
        edits.append(edit_of([text for text, _ in lines], [text for text, _ in after], context=context))
        lines = after

    found = [source_of([text for text, _ in lines], at, edits) for at in range(len(lines))]

    assert writers_of([text for text, _ in lines], range(len(lines)), edits) == found
    if texts == "unique":
        assert [(each.edit, each.sure) for each in found] == [(writer, "followed") for _, writer in lines]
    else:  # a diff may show another one of lines that are alike as new, but none of the others
        old = [each.edit is None for each, (text, _) in zip(found, lines, strict=True) if text.startswith("old")]
        assert all(old)


@pytest.mark.parametrize("length", [400, 4000])
def test_a_long_file_whose_end_is_not_recorded_is_still_the_edits_own(length: int) -> None:
    lines = [f"value_{number} = {number}" for number in range(length)]
    assert wrote(lines, length - 1, [whole(lines)]) == (0, "followed")
    assert wrote(["by hand"], 0, [whole(["by hand"]), whole(["x"])]) == (None, "by_text")


def test_an_edit_of_a_part_of_a_line_is_undone_in_the_whole_line() -> None:
    """Clients that show no diff say which text they replaced."""
    pair = Replacement(old_string="price", new_string="price * 2\n    # twice")
    edit = replaced("/repo/a", [pair], counted=True)
    lines = ["def f(x):", "    return price * 2", "    # twice  # ends", "last"]

    assert [source_of(lines, at, [whole(["def f(x):", "last"]), edit]).edit for at in (1, 2)] == [1, 1]
    before = whole(["def f(x):", "    return price  # ends", "last"])
    assert [wrote(lines, at, [before, edit]) for at in (0, 3)] == [(0, "followed")] * 2


def test_lines_that_were_removed_count_for_the_place_of_others_also_without_context() -> None:
    edits = [edit_of(["a", "x", "x", "b"], ["a", "b"], context=0)]
    later = edit_of(["a", "b"], ["a", "b", "b"], context=0)
    assert wrote(["a", "b", "b"], 1, [*edits, later]) == (None, "followed")


def test_of_an_edit_that_was_changed_since_a_line_counts_if_its_text_or_its_neighbour_is_there() -> None:
    """The first line and the third were changed by hand; a bracket proves nothing, and the last was there before."""
    wrote = ["def total(cart):", "    rate = rate_of(cart)", "    return rate * 2", "}", "# the end"]
    edit = edit_of(["def total(cart):", "# the end"], wrote)
    changed = ["def total(basket):", "    rate = rate_of(cart)", "    return rate * 3", "}", "# the end"]

    found = [source_of(changed, at, [edit]) for at in range(5)]
    assert [(each.edit, each.sure) for each in found] == [(edit, "by_text") for edit in (None, 0, None, None, None)]
    twice = ["    rate = rate_of(cart)", "    return rate * 2", "    pass", "    rate = rate_of(cart)"]
    assert [source_of(twice, at, [edit]).edit for at in (0, 3)] == [0, None]


def test_an_edit_that_only_removes_writes_nothing_and_is_known_by_lines_that_say_enough() -> None:
    removed = edit_of(["keep", "total = price", "}", "end"], ["keep", "end"])
    added = edit_of(["keep", "end"], ["keep", "total = price", "end"])

    assert (writes(removed), writes(added)) == (False, True)
    assert (removed_by(removed), removed_by(added)) == ({"total = price"}, set())


@pytest.mark.parametrize("text", ["a", "return the total"], ids=["a letter", "text that says enough"])
def test_a_file_of_equal_lines_costs_time_in_proportion_to_its_length(text: str) -> None:
    file = [text] * 50_000
    hunk = FileEdit(path="/repo/a", change="modify", diff="\n".join(["@@ +1", *[f" {text}", f"+{text}"] * 600, "+b"]))

    with costing_little():
        found = writers_of(file, range(0, len(file), 10), [hunk] * 3)

    assert found[0].edit == (2 if len(text) > 1 else None)
