from __future__ import annotations

from carryover.ledger.queries import project_by_id
from carryover.model import FileEdit, Retracted, UserPrompt
from carryover.past.files import files_changed
from carryover.past.session import session_outline
from carryover.past.timeline import Wanted, timeline
from carryover.publish.make import newest_first
from carryover.publish.project_view import project_view
from support.scribe import AGENT, Reading, Scribe


def edit(name: str, diff: str = "@@ +1\n-a\n+b\n+c", **fields: int) -> FileEdit:
    return FileEdit(path=f"/repo/{name}", change="modify", diff=diff, **fields)  # type: ignore[arg-type]


async def test_a_turn_is_called_by_what_was_typed_into_a_form(scribe: Scribe) -> None:
    form = "## User Input\n```text\nadd a cart\n```\n## Outline\n" + "Check what the template says.\n" * 60
    await scribe.tell(scribe.event(form), scribe.event(edit("cart.py")))

    found = session_outline(scribe.db, AGENT, "s1")
    shop = project_by_id(scribe.db, 1)

    assert found is not None and shop is not None
    assert [turn.prompt for turn in found.turns] == ["add a cart"]
    assert files_changed(scribe.db, shop).files[0].sessions[0].why == "add a cart"
    moments = timeline(scribe.db, 1, Wanted(), limit=9)
    assert [moment.text for moment in moments] == ["add a cart", "add a cart"]


async def test_words_typed_while_a_turn_runs_begin_no_turn(scribe: Scribe, reading: Reading) -> None:
    added = scribe.event(UserPrompt(text="in cents", in_turn=True))
    await scribe.tell("add a cart", added, scribe.event(edit("cart.py")), scribe.event("round it"))

    found = session_outline(scribe.db, AGENT, "s1")
    shop = project_by_id(scribe.db, 1)
    assert found is not None and shop is not None
    assert [turn.prompt for turn in found.turns] == ["add a cart", "round it"]
    [by] = files_changed(scribe.db, shop).files[0].sessions
    assert (by.turns, by.why) == ((1,), "add a cart")
    db = reading()
    assert [event.turn for event in newest_first(db, project_view(db, 1))] == [2, 1, 1, 1]


async def test_what_was_taken_back_is_in_no_list(scribe: Scribe) -> None:
    await scribe.tell("add a cart", scribe.event(edit("cart.py"), key="gone"), scribe.event(Retracted(keys=("gone",))))
    project = project_by_id(scribe.db, 1)
    found = session_outline(scribe.db, AGENT, "s1")

    assert found is not None and project is not None
    assert (found.files, files_changed(scribe.db, project).files) == ((), ())


async def test_a_file_is_listed_with_who_edited_it_in_which_turns_and_why(scribe: Scribe) -> None:
    await scribe.tell("add a cart", scribe.event(edit("cart.py")), scribe.event(edit("total.py")))
    await scribe.tell(
        scribe.event("first", session="s2"),
        scribe.event(edit("cart.py"), session="s2"),
        scribe.event("round it", session="s2"),
        scribe.event(edit("cart.py"), session="s2", subagent_id="a1"),
        path="/t/two.jsonl",
    )
    await scribe.tell(scribe.event(edit("own.py"), session="s3", cwd="/srv/other"), path="/t/three.jsonl")
    project = project_by_id(scribe.db, 1)
    assert project is not None

    found = files_changed(scribe.db, project)

    assert [file.path for file in found.files] == ["cart.py", "total.py"], "those edited last first"
    newest, first = found.files[0].sessions
    assert (newest.id, newest.turns, newest.edits, newest.added, newest.why) == ("s2", (1, 2), 2, 4, "round it")
    assert (first.id, first.turns, first.why) == ("s1", (1,), "add a cart")
    assert found.before_ms == 0


async def test_the_list_of_files_ends_where_enough_was_read_and_says_so(scribe: Scribe) -> None:
    for n in range(4):
        await scribe.tell(
            scribe.event("add", session=f"s{n}"), scribe.event(edit(f"f{n}.py"), session=f"s{n}"), path=f"/t/{n}.jsonl"
        )
    project = project_by_id(scribe.db, 1)
    assert project is not None

    found = files_changed(scribe.db, project, most_edits=2)

    assert ([file.path for file in found.files], found.before_ms) == (["f3.py", "f2.py"], 4000)


async def test_sessions_that_are_too_many_to_read_are_not_said_to_be_read(scribe: Scribe) -> None:
    for n in range(2):
        await scribe.tell(scribe.event("add", session=f"s{n}"), path=f"/t/{n}.jsonl")
    project = project_by_id(scribe.db, 1)
    assert project is not None

    assert files_changed(scribe.db, project, most_sessions=1).before_ms == 1000
