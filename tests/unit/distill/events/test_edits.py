from __future__ import annotations

from carryover.distill.digest import EditedFile
from carryover.model import FileEdit, ToolResult
from support.conversation import ROOT, Conversation

CART = f"{ROOT}/cart.py"


def failing(path: str = CART) -> Conversation:
    return Conversation().user("Fix the cart").ran(path, "no such lines", op="edit", name="Edit", status="error")


def test_the_newest_edit_of_a_file_takes_the_place_of_the_one_before() -> None:
    talk = Conversation().user("Fix the cart").edited("cart.py", line=3).edited("till.py")
    talk.event(FileEdit(path=CART, change="modify", line=9, anchor="x" * 200))

    assert [(file.path, file.edits, file.line) for file in talk.digest.touched] == [
        (f"{ROOT}/till.py", 1, None),
        (CART, 2, 9),
    ]
    assert talk.digest.touched[-1].anchor == "x" * 119 + "…"
    assert talk.turn.edited == (f"{ROOT}/till.py", CART)


def test_a_file_that_is_new_stays_new_until_it_is_deleted() -> None:
    talk = Conversation().user("Fix the cart").event(FileEdit(path=CART, change="add")).edited("cart.py")
    assert [file.change for file in talk.digest.touched] == ["add"]

    talk.event(FileEdit(path=CART, change="delete"))
    assert [file.change for file in talk.digest.touched] == ["delete"]


def test_a_file_that_was_moved_is_known_by_its_new_path_only() -> None:
    talk = Conversation().user("Fix the cart").edited("cart.py")
    talk.event(FileEdit(path=f"{ROOT}/basket.py", old_path=CART, change="rename"))

    assert talk.digest.touched == (EditedFile(path=f"{ROOT}/basket.py", change="rename", at_ms=talk.at_ms),)


def test_an_edit_of_the_handoff_itself_is_none() -> None:
    talk = Conversation().user("Fix the cart")

    assert talk.event(FileEdit(path=f"{ROOT}/.carryover/handoff.md", change="add")).digest.touched == ()


def test_an_edit_that_failed_and_then_worked_is_mended() -> None:
    talk = failing("cart.py").edited("cart.py")

    assert [(failure.mended, failure.detours) for failure in talk.digest.failures] == [(True, 0)]


def test_the_tries_in_between_at_the_same_file_are_counted() -> None:
    talk = failing()
    for script in ("sedx cart.py", "sedx -n cart.py", "sedx till.py"):
        talk.ran(script, f"error: bad {script}", status="error")
    talk.edited("cart.py")

    assert [(failure.tried, failure.mended, failure.detours) for failure in talk.digest.failures] == [
        (f"Edit {CART}", True, 2),
        ("`sedx cart.py`", False, 0),
        ("`sedx -n cart.py`", False, 0),
        ("`sedx till.py`", False, 0),
    ]


def test_an_edit_of_another_file_mends_nothing() -> None:
    assert [failure.mended for failure in failing().edited("till.py").digest.failures] == [False]


def test_where_the_file_was_deleted_the_edit_never_worked() -> None:
    talk = failing().event(FileEdit(path=CART, change="delete")).event(FileEdit(path=CART, change="add"))

    assert [failure.mended for failure in talk.edited("cart.py").digest.failures] == [False]


def test_a_file_deleted_by_the_session_that_created_it_was_temporary() -> None:
    talk = Conversation().user("Pack it").event(FileEdit(path=CART, change="add")).says("Packed.")
    talk.user("Tidy up").event(FileEdit(path=CART, change="delete"))

    assert [file.temporary for file in talk.digest.touched] == [True]


def test_a_file_first_written_and_deleted_in_one_turn_was_temporary_and_an_older_one_was_not() -> None:
    talk = Conversation().user("Pack it").edited("cart.py").event(FileEdit(path=CART, change="delete"))
    assert [file.temporary for file in talk.digest.touched] == [True]

    talk = Conversation().user("Fix it").edited("cart.py").says("Fixed.").user("Remove it")
    talk.event(FileEdit(path=CART, change="delete"))
    assert [file.temporary for file in talk.digest.touched] == [False]
    talk = Conversation().user("Remove it").event(FileEdit(path=CART, change="delete"))
    assert [file.temporary for file in talk.digest.touched] == [False]


def applied(text: str) -> Conversation:
    """An agent that edits by what it writes: the text comes before its edits."""
    talk = Conversation().user("Label the loaves")
    talk.calls("labels.py", op="edit", name="edit").says(text, final=None)
    return talk.edited("labels.py").user("And the rye?")


def test_what_an_answer_announced_is_done_once_its_edits_are_made() -> None:
    for asks in ("Please confirm the change.", "Shall I proceed?"):
        report = applied(f"I'll add the label to `labels.py`. {asks}").digest.turns[0].report

        assert report is not None
        assert (report.announced, report.asked) == ((), ()), asks


def test_next_steps_commands_and_questions_stand_after_the_edits() -> None:
    steps = applied("I changed it.\n\nNext steps:\n- print the labels").digest.turns[0].report
    command = applied("I changed it. Now run:\n```sh\nmake labels\n```").digest.turns[0].report
    question = applied("I changed it. Should the rye get one too?").digest.turns[0].report

    assert steps is not None and command is not None and question is not None
    assert [quote.text for quote in steps.announced] == ["print the labels"]
    assert [quote.text for quote in command.announced] == ["Now run: `make labels`"]
    assert [one.text for one in question.asked] == ["Should the rye get one too?"]


def test_a_command_after_the_commit_of_an_answer_does_not_reopen_its_turn() -> None:
    talk = Conversation().user("Label the loaves").says("I'll add the label.", final=None).edited("labels.py")
    talk.event(
        ToolResult(
            call_id="c",
            name="commit",
            op="shell",
            status="ok",
            subject="git commit",
            output="[HEAD 1a2b3c4] label them",
        )
    )

    assert talk.calls("make labels").turn.end == "answered"


def test_what_a_linter_marked_in_a_file_is_done_with_when_that_is_edited() -> None:
    talk = Conversation().user("Label the loaves")
    for command in ("python -m flake8 labels.py", "./compile labels.py"):
        talk.ran(command, "labels.py:57:24: F821 undefined name 'loaf'", status="error")

    marked = [(failure.tried, failure.mended) for failure in talk.edited("labels.py").digest.failures]

    assert marked == [("`python -m flake8 labels.py`", True), ("`./compile labels.py`", False)]
