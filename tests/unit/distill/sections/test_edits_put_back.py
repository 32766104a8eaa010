"""What the lines of Recent files say of edits that were undone since."""

from __future__ import annotations

from typing import Literal

import pytest

from carryover.distill.handoff import wanted_files
from carryover.distill.render import render
from carryover.facts import Boxes, Facts, FileFacts
from carryover.model import FileEdit
from support.conversation import GOAL, ROOT, handoff, project, session


@pytest.mark.parametrize(("change", "words"), [("modify", "edited"), ("delete", "deleted")])
def test_of_an_edit_that_was_undone_it_says_so_and_not_what_tests_said_of_it(
    change: Literal["modify", "delete"], words: str
) -> None:
    talk = session("s1").user(GOAL).ran("pytest -q", "1 failed in 2.1s", status="error").edited("cart.py")
    talk.event(FileEdit(path=f"{ROOT}/tax.py", change=change)).says("Done.")

    def text(tax: FileFacts) -> str:
        return render(handoff(talk, facts=Facts(files={"tax.py": tax})))

    undone = text(FileFacts(exists=True, undone=True))
    assert f"`tax.py`: {words} 1 min earlier, same as in HEAD now |" in undone
    assert "not run again since `cart.py` changed" in undone
    assert "same as in HEAD" not in text(FileFacts(exists=True))
    assert ("not there now" in text(FileFacts(exists=False))) is (change != "delete")


def test_of_another_file_in_the_place_of_a_deleted_one_nothing_is_said() -> None:
    talk = session("s1").user(GOAL).event(FileEdit(path=f"{ROOT}/plan.md", change="delete")).says("Done.")
    another = FileFacts(exists=True, boxes=Boxes(2, 1))

    text = render(handoff(talk, facts=Facts(files={"plan.md": another})))
    assert "`plan.md`: deleted" in text
    assert "boxes checked" not in text


def test_a_commit_that_may_have_an_edit_leaves_nothing_to_undo() -> None:
    talk = session("s1").user(GOAL).edited("cart.py")
    assert [query.edited_ms > 0 for query in wanted_files(project(talk))] == [True]

    talk.ran("git commit -qam Cart && git log --oneline -1", "[main 1a2b3c4] Cart\n 1 file changed, 1 insertion(+)")
    talk.edited("tax.py").says("Done.")

    edited = {query.path: query.edited_ms > 0 for query in wanted_files(project(talk))}
    assert edited == {"tax.py": True, "cart.py": False}
