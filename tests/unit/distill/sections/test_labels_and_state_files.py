"""What is read from records under each heading: how it stands, what comes next, what is open."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from carryover import model
from carryover.distill.entry import Rank
from carryover.distill.handoff import wanted_files
from carryover.distill.render import lay_out
from carryover.distill.sections.state_files import open_items
from carryover.facts import Boxes, Facts, FileFacts
from carryover.model import FileEdit
from support.conversation import GOAL, ROOT, Conversation, handoff, past, project, section, session, under, worked

REPORT = "The discount is in cents.\n\n**Next steps:**\n1. the receipt\n2. the fixture\n\nIt rounds down.\n"
LONG = "\n".join(["```sh", *(f"make part{number}" for number in range(12)), "```"])


@pytest.mark.parametrize(
    ("report", "following", "stands"),
    [
        (f"{REPORT}Shall I continue?", "Next steps: ¶ 1. the receipt ¶ 2. the fixture", "It rounds down."),
        ("It is done.\nNext: the receipt.\nIt rounds.", "Next: the receipt.", "It rounds."),
        (
            "It is done.\n- Done: cents\n- Next: receipt\n  - its fixture\n- Risk: none",
            "receipt ¶ its fix",
            "Risk: none",
        ),
        ("Fertig.\n\n## Nächste Schritte\n\nDer Beleg fehlt.\n\nEs rundet ab.", "Der Beleg fehlt.", "Es rundet ab."),
        ("完成了。\n下一步：收据。\n向下取整。", "下一步：收据。", "向下取整。"),
        # of the code that a step leads to, also what was left out
        (f"It is done.\n\n## Next steps\n\n1. **Try:**\n{LONG}\n\n2. Send it.\n\nIt rounds.", "Send it.", "It rounds."),
        ("It is done.\n\nNext: run this:\n\n```sh\nmake receipt\n```\n\nIt rounds.", "make receipt", "It rounds."),
    ],
)
def test_lines_that_the_agent_labelled_as_next_stand_under_next_action(
    report: str, following: str, stands: str
) -> None:
    talk = worked(says=report)
    came = " ¶ ".join(section(talk, title="Next action")).replace("/ > ", "/ ")

    assert came.startswith("claude-code's last words (turn 1): ")
    assert following in came
    assert stands in under("Where it stands", talk)
    assert stands not in came
    assert following[:9] not in under("Where it stands", talk)
    assert ("Shall I continue?" in under("Open questions", talk)) == ("Shall" in report)


def test_what_was_announced_stands_with_the_other_words_once_the_user_has_said_something_else() -> None:
    talk = worked(says=REPORT)
    assert "the fixture" in under("Next action", worked(says=REPORT).user("continue"))

    talk.user("I don't like that receipt, I want the old one in tests/receipts.")
    assert "the fixture" not in under("Next action", talk)
    assert "Next steps: ¶ 1. the receipt ¶ 2. the fixture" in under("Where it stands", talk).replace(" / ", " ¶ ")


def test_questions_that_the_agent_labelled_as_open_are_open_until_the_user_writes_again() -> None:
    talk = worked(says="It is done.\n\nOpen questions:\n- Per item or per cart\n- Net or gross\n\nAll tests pass.")
    asked = under("Open questions", talk)

    assert "Open questions: ¶ Per item or per cart ¶ Net or gross" in asked
    assert "All tests pass." in under("Where it stands", talk)
    assert "Net or gross" not in under("Where it stands", talk)
    assert "Net or gross" not in under("Open questions", talk.user("Per item, net."))


@pytest.mark.parametrize(
    "report",
    [
        "Next, the receipt needs a line.\nThe next step is the fixture.",
        "```\nNext: the receipt\n```\nIt is printed like that.",
        "The issue says:\n\n> Next steps:\n> - push it to production\n\nIt is done.",
        "It is done.\n\nNext steps:",
        "Next: the receipt.",
        "It is done.\nNext: shall I add the receipt?",
    ],
)
def test_words_that_are_no_label_of_a_line_stay_where_they_were_said(report: str) -> None:
    assert under("Next action", worked(says=report)) == ""


PLAN = "# Plan\n- [x] cents\n- [ ] the receipt\n- [ ] the fixture\n"


def with_plan(*, path: str = "PLAN.md", text: str = PLAN) -> Conversation:
    talk = session("s1").user(GOAL)
    diff = "\n".join(f"+{line}" for line in text.splitlines())
    talk.event(FileEdit(path=f"/home/dev/shop/{path}", change="add", diff=diff)).edited("cart.py")
    return talk.says("The discount is in cents.")


def lines_under(title: str, talk: Conversation, files: dict[str, FileFacts] | None = None) -> list[str]:
    made = handoff(talk, facts=Facts(files=files or {}))
    return [line.removeprefix("- ") for name, shown in lay_out(made) for line, _ in shown if name == title]


def test_the_open_boxes_of_a_plan_file_come_next_and_keep_the_work_open() -> None:
    talk = with_plan()
    items = "the receipt | the fixture"

    assert lines_under("Next action", talk) == [f"open in `PLAN.md` (1 of 3 boxes checked, edited in turn 1): {items}"]
    assert not handoff(talk).settled
    assert handoff(with_plan(text=PLAN.replace("[ ]", "[x]"))).settled

    talk.user("Go on.").event(
        FileEdit(path="/home/dev/shop/PLAN.md", change="modify", diff="@@\n-- [ ] the receipt\n+- [x] the receipt")
    ).says("The receipt is done.")
    assert "(2 of 3 boxes checked, edited in turn 2" in "".join(lines_under("Next action", talk))


def test_open_boxes_give_way_when_the_work_has_gone_on_without_them() -> None:
    def is_fixed(talk: Conversation) -> bool:
        made = handoff(talk)
        return next(
            entry.rank is not None for each in made.sections for entry in each.entries if entry.text == "the receipt"
        )

    talk = with_plan(text=PLAN.replace("- [ ] the fixture\n", ""))
    assert is_fixed(talk)
    for shelf in range(3):
        talk.user(f"And the prices of shelf {shelf}?").says(f"Shelf {shelf} has its prices.")
    assert "edited in turn 1, 3 answers since): the receipt" in "".join(lines_under("Next action", talk))
    assert not is_fixed(talk)


def test_what_a_plan_file_says_now_counts_more_than_what_was_recorded() -> None:
    talk, now = with_plan(), Boxes(41, 13, ("the tax",))

    assert lines_under("Next action", talk, {"PLAN.md": FileFacts(exists=True, boxes=now)}) == [
        "open in `PLAN.md` (13 of 41 boxes checked, edited in turn 1): the tax"
    ]
    for fact in (FileFacts(exists=False), FileFacts(exists=True), FileFacts(exists=True, boxes=Boxes(3, 3))):
        assert lines_under("Next action", talk, {"PLAN.md": fact}) == []
    done = "\n".join(lines_under("Recent files", talk, {"PLAN.md": FileFacts(exists=True, boxes=Boxes(3, 3))}))
    assert "`PLAN.md`: added 2 min earlier, 3 of 3 boxes checked" in done


def test_a_document_with_boxes_that_was_only_read_sets_no_task_until_the_user_names_it() -> None:
    talk = session("s1").user(GOAL)
    for prompt in ("Now the receipt.", "And the rates."):
        talk.ran("docs/pull_request.md", "- [ ] I ran the tests", op="read", name="Read").edited("cart.py")
        talk.says("Done.").user(prompt)
    talk.edited("rates.py").says("Done.")
    assert lines_under("Next action", talk) == []
    assert handoff(talk).settled

    talk.user("Is pull_request.md done?").says("No.")
    assert "open in `docs/pull_request.md`" in "".join(lines_under("Next action", talk))


def test_of_several_documents_that_were_only_read_in_a_turn_the_boxes_are_those_of_notes() -> None:
    def looked(*names: str, said: str = "Merge it.") -> str:
        talk = session("s1").user(said)
        for name in names:
            talk.ran(f"{ROOT}/{name}", PLAN, op="read", name="Read")
        return under("Next action", talk.says("It is merged."))

    assert "`PLAN.md`" in looked("PLAN.md") and "`PLAN.md`" in looked("PLAN.md", "PLAN.md")
    assert looked("monday.md", "tuesday.md") == ""
    named = looked("monday.md", "tuesday.md", said="Merge monday.md.")
    assert "`monday.md`" in named and "`tuesday.md`" in named
    talk = session("s1").user(GOAL).ran(f"{ROOT}/monday.md", PLAN, op="read", name="Read").says("Read.")
    talk.user("And the tax?").ran(f"{ROOT}/PLAN.md", PLAN, op="read", name="Read").says("Read, too.")
    assert "`PLAN.md`" in under("Next action", talk)


def test_the_boxes_of_notes_that_are_left_out_take_no_place_of_a_plan() -> None:
    def ranks(*names: str) -> list[Rank | None]:
        talk = with_plan().user("Merge it.")
        for name in names:
            talk.ran(f"{ROOT}/{name}", PLAN, op="read", name="Read")
        return [entry.rank for entry in open_items(past(talk.says("It is merged.")), {})]

    assert ranks("monday.md", "tuesday.md") == ranks() != []


def test_a_document_that_was_only_read_gives_way_once_other_sessions_have_gone_on_without_it() -> None:
    read = session("s1").user("Is pull_request.md done?")
    read.ran("docs/pull_request.md", "- [ ] I ran the tests", op="read", name="Read").says("No.")
    later = worked("s2", hours=1)
    for shelf in range(2):
        later.user(f"And the prices of shelf {shelf}?").says(f"Shelf {shelf} has its prices.")
    assert "read in turn 1 of s1, 3 answers since" in under("Next action", read, later)

    later.user("And the rest?").says("The rest has its prices.")
    assert under("Next action", read, later) == ""


@pytest.mark.parametrize(("boxes", "is_open"), [("- [ ] cents", False), ("- [x] cents", True)])
def test_a_document_whose_boxes_nobody_checks_gives_way_like_one_that_was_only_read(boxes: str, is_open: bool) -> None:
    wrote = session("s1").user(GOAL)
    wrote.event(FileEdit(path=f"{ROOT}/PLAN.md", change="add", diff=f"+{boxes}\n+- [ ] the receipt")).says("Written.")
    later = worked("s2", hours=1)
    for shelf in range(2):
        later.user(f"And the prices of shelf {shelf}?").edited("shelf.py").says(f"Shelf {shelf} has its prices.")
    assert "edited in turn 1 of s1, 3 answers since" in under("Next action", wrote, later)

    later.user("And the rest?").edited("rest.py").says("The rest has its prices.")
    assert ("`PLAN.md`" in under("Next action", wrote, later)) is is_open


def test_a_plan_that_an_agent_wrote_stays_while_it_is_only_talked_over() -> None:
    wrote = session("s1").user(GOAL)
    wrote.event(FileEdit(path=f"{ROOT}/PLAN.md", change="add", diff="+- [ ] cents\n+- [ ] the tax")).says("Written.")
    for part in range(5):
        wrote.user(f"What of part {part}?").says(f"Part {part} is the last.")

    assert "edited in turn 1, 5 answers since" in under("Next action", wrote)


def test_a_plan_that_an_agent_keeps_for_itself_is_named_but_no_file_outside_of_the_project_is_read() -> None:
    path = "/home/dev/.claude/plans/brave-otter.md"
    talk = session("s1").user(GOAL).event(FileEdit(path=path, change="add", diff="+- [ ] the receipt"))
    talk.event(model.PlanProposal(call_id="c", text="Add the receipt.")).says("Is this plan right?")
    stray = FileEdit(path="/home/dev/.cache/notes.md", change="add", diff="+- [ ] a")

    assert f"open in `{path}`" in "".join(lines_under("Next action", talk))
    assert wanted_files(project(talk)) == ()
    assert lines_under("Next action", session("s1").user(GOAL).event(stray).says("Done.")) == []


def test_the_plan_files_that_are_read_from_disk_are_those_of_the_project() -> None:
    talk = with_plan(path="specs/001/tasks.md").ran("../other/TODO.md", PLAN, op="read", name="Read")

    assert [query.path for query in wanted_files(project(talk))] == ["cart.py", "specs/001/tasks.md"]


def test_no_file_is_read_that_was_edited_on_another_machine_but_a_deleted_one_may_be_back() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").edited("tax.py")
    talk.event(FileEdit(path=f"{ROOT}/tax.py", change="delete"))
    view = project(talk)
    elsewhere = replace(view, sessions=(replace(talk.view(), where=" on laptop"),))

    assert [query.path for query in wanted_files(view)] == ["tax.py", "cart.py"]
    assert wanted_files(elsewhere) == ()


def test_a_plan_that_a_command_printed_is_known_with_its_boxes() -> None:
    for command in ("cat PLAN.md", "nl ./PLAN.md"):
        talk = session("s1").user(GOAL).ran(command, "- [ ] the receipt\n- [x] the tax")
        assert [document.boxes for document in talk.digest.documents] == [Boxes(2, 1, ("the receipt",))]


def test_a_document_whose_path_is_too_long_to_show_is_not_kept() -> None:
    for length, kept in ((200, 1), (400, 0)):
        talk = session("s1").user(GOAL).ran(f"/{'p' * length}/PLAN.md", "- [ ] the receipt", op="read", name="Read")
        assert len(talk.digest.documents) == kept


BOXES = "+- [ ] the receipt\n+- [x] the tax"
ONE_DONE = "-- [ ] the receipt\n+- [x] the receipt"


@pytest.mark.parametrize(
    ("edit", "boxes"),
    [
        (FileEdit(path="/p/NEW.md", old_path="/p/PLAN.md", change="rename"), Boxes(2, 1, ("the receipt",))),
        (FileEdit(path="/p/NEW.md", old_path="/p/PLAN.md", change="rename", diff=ONE_DONE), Boxes(2, 2, ())),
        (FileEdit(path="/p/PLAN.md", change="modify", diff=ONE_DONE), Boxes(2, 2, ())),
        (FileEdit(path="/p/PLAN.md", change="modify"), None),
    ],
)
def test_the_boxes_of_a_plan_follow_its_edits_and_are_unknown_after_one_that_shows_nothing(
    edit: FileEdit, boxes: Boxes | None
) -> None:
    talk = session("s1").user(GOAL).event(FileEdit(path="/p/PLAN.md", change="add", diff=BOXES)).event(edit)

    assert [document.boxes for document in talk.digest.documents] == [boxes]
