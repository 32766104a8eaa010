from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from carryover.facts import ProjectRoot
from carryover.ledger.queries import project_by_root
from carryover.ledger.sessions import move_project
from carryover.model import AssistantMessage, FileEdit, Retracted, ToolCall, UserPrompt
from carryover.past.file_changes import TurnChange, changes_of
from carryover.past.line_history import LineHistory, line_history
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


async def test_a_line_of_a_commit_from_before_the_first_edit_was_there_before(scribe: Scribe, shop: Path) -> None:
    (shop / "cart.py").write_text("none\n")
    commit(shop, "first", at=datetime.fromtimestamp(NOW_MS / 1000, UTC))
    await edited(scribe, shop, "one", "none\none\n", 1)

    assert [origin(scribe, shop, line).found for line in (1, 2)] == ["before", "turns"]


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

    assert (history.found, prompts(history)) == ("by_text", ["Count to two"])


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


async def test_lines_that_come_from_many_turns_cost_no_more_each_than_one_of_them(scribe: Scribe, shop: Path) -> None:
    for hour in range(60):
        await edited(scribe, shop, f"prompt {hour}", f"value = {hour}\n", hour)
    (shop / "cart.py").write_text("".join(f"by hand {number}\n" for number in range(1000)))
    project = project_by_root(scribe.db, str(shop))

    with costing_little():
        [found] = line_history(scribe.db, project, str(shop), shop / "cart.py", 1, 1000)

    assert (found.last, len(found.turns)) == (1000, 60)
