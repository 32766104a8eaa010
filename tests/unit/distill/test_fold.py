"""What a session's digest keeps: every turn while there are few, less of each the older it is, and facts of calls."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from carryover import model
from carryover.distill.digest import Digest
from support.conversation import GOAL, Conversation

HANDOFF = "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n- Bake\nFull history: `carryover show abc`"


def prompts(talk: Conversation) -> list[str]:
    return [turn.prompt for turn in talk.digest.turns]


def test_each_prompt_of_the_user_is_a_turn_also_an_empty_one_and_a_command() -> None:
    talk = Conversation().user("").says("?").user("", command="/review").user("the cart", command="/explain")
    talk.event(model.UserPrompt(text="Find the tests.", actor="model")).user("Add a discount.")

    numbered = list(enumerate(["", "/review", "/explain the cart", "Add a discount."], 1))
    assert [(turn.number, turn.prompt) for turn in talk.digest.turns] == numbered
    assert [turn.number for turn in Conversation().edited("cart.py").user("Go on.").digest.turns] == [0, 1]


def test_of_code_that_an_answer_gave_its_length_stays_unless_something_was_changed() -> None:
    script = "\n".join(["Run this script.", "```bash", *20 * ["make"], "```"])
    talk = Conversation().user("How?").ran("ls", "cart.py").says(script)

    assert talk.turn.answer == "Run this script.\n… (20 lines of bash)"
    assert talk.user("Write it.").edited("cap.sh").says(script).turn.answer == "Run this script.\n…"


def test_texts_of_one_answer_around_a_thought_are_its_last_words() -> None:
    """Cursor, July 2026: the question with its choices, a thought, then a few words."""
    talk = Conversation().user("Ship it.").says("A. Cents\nB. Floats", final=None)
    talk.event(model.AssistantMessage(text="Say A or B.", goes_on=True))
    assert [said.text for said in talk.turn.said] == ["A. Cents\nB. Floats\n\nSay A or B."]
    talk.event(model.AssistantMessage(text="Or neither.", goes_on=True))
    assert talk.turn.answer == "A. Cents\nB. Floats\n\nSay A or B.\n\nOr neither."

    talk.ran("make").event(model.AssistantMessage(text="It is built.", goes_on=True))
    assert talk.turn.answer == "It is built."
    talk.event(model.TurnEnd(reason="error", message="No."))
    talk.event(model.AssistantMessage(text="Tried again.", goes_on=True))
    assert talk.turn.answer == "Tried again."
    assert [said.text for said in talk.turn.said][1:] == ["It is built.", "Tried again."]


def test_words_typed_while_a_turn_runs_belong_to_it_and_stay_the_users() -> None:
    talk = Conversation().user("Add a discount.").says("On it.").calls("make test")
    talk.event(model.QueuedPrompt(text="In cents."))
    talk.event(model.UserPrompt(text="In cents.", in_turn=True))

    [turn] = talk.digest.turns
    assert (turn.number, turn.prompt, turn.end) == (1, "Add a discount.", "")
    assert [reply.text for reply in turn.replies] == ["In cents."]
    assert [call.text for call in talk.digest.open_calls] == ["make test"]
    assert talk.digest.queued == ()
    talk.event(model.UserPrompt(text=HANDOFF, in_turn=True))
    assert len(talk.turn.replies) == 1
    assert prompts(Conversation().event(model.UserPrompt(text="Go.", in_turn=True))) == ["Go."]


def test_a_scheduled_prompt_begins_a_turn_in_which_nothing_is_the_users() -> None:
    talk = Conversation().user("Publish the repository.").says("Published.", final=True)
    talk.event(model.UserPrompt(text="Nightly check:\nrun all tests.", actor="model", scheduled=True))
    talk.event(model.TurnEnd(reason="interrupted"))

    assert [(turn.number, turn.prompt, turn.end) for turn in talk.digest.turns] == [
        (1, "Publish the repository.", "answered"),
        (2, "scheduled prompt “Nightly check: run all tests.”, 29 characters", "interrupted"),
    ]
    assert talk.turn.is_template


def test_the_older_a_turn_the_less_of_it_is_kept_and_most_of_the_first_prompt() -> None:
    talk = Conversation()
    for number in range(24):
        talk.user(f"{'word ' * 1000}{number % 12:02}").says("said " * 2000)
    first, *others = [len(prompt) for prompt in prompts(talk)]

    assert others == sorted(others)
    assert others[0] < first < others[-1]
    assert [len(turn.answer) for turn in talk.digest.turns] == sorted(len(turn.answer) for turn in talk.digest.turns)
    assert len({turn.sent for turn in talk.digest.turns}) == 12, "what was sent again is known as that"


def test_of_a_long_session_the_shortest_prompts_in_between_go_first() -> None:
    rule = "Never round a price before the end, because cents get lost."
    talk = Conversation().user("Build the shop.").says("It is built.").user(rule).says("Noted.")
    talk.user("Cap it.").calls("make cap").event(model.TurnEnd(reason="interrupted")).user("In cents!").says("Done.")
    for number in range(60):
        talk.user(f"and {number} too").says("Done.")
    kept = prompts(talk)

    assert {"Build the shop.", rule, "In cents!"} <= set(kept)
    assert kept[-1] == "and 59 too"
    assert 20 < len(kept) < 60
    assert talk.turn.number == 64


def test_a_digest_is_bounded_in_what_ran_failed_and_was_edited() -> None:
    talk = Conversation().user("Go.")
    for number in range(400):
        talk.ran(f"make {chr(97 + number % 26) * (1 + number // 26)}", "error: no", status="error")
        talk.edited(f"a{number}.py").ran(f"b{number}.py", "x", op="read").ran(f"pytest t{number}.py", "1 passed")
    digest = talk.digest

    lengths = [len(items) for items in (digest.calls, digest.failures, digest.touched, digest.runs)]
    assert max(lengths) <= 40


def test_a_commit_is_named_with_its_id_if_git_printed_one() -> None:
    talk = Conversation().user("Commit it.").ran('git commit -m "Cap it"', "[main 1a2b3c4] Cap it\n 1 file changed")
    talk.ran('git commit -q -m "Round it"')

    assert talk.turn.commits == ("Cap it (1a2b3c4)", "Round it")


def test_a_commit_whose_hook_ran_tests_is_both_a_commit_and_a_test_run() -> None:
    tests = "$ bun test\n 12 pass\n 0 fail\nRan 12 tests across 2 files. [9.00ms]\n"
    talk = Conversation().user("Commit it.").ran("git commit -m Cap", f"{tests}$ tsc\nerror: no", status="error")
    assert [run.run.passed for run in talk.digest.runs] == [12]
    assert not talk.failure.solved

    talk.ran("git commit -m Cap", f"{tests}[main 1a2b3c4] Cap\n 1 file changed")
    assert (talk.turn.commits, talk.failure.solved) == (("Cap (1a2b3c4)",), True)


def test_a_file_is_one_file_whichever_way_its_drive_is_written() -> None:
    talk = Conversation().user(GOAL)
    for drive in "cC":
        talk.ran(f"{drive}:\\shop\\PLAN.md", op="read", name="Read")
        talk.event(model.FileEdit(path=f"{drive}:\\shop\\PLAN.md", change="modify"))
    talk.event(model.ChangedElsewhere(path="c:\\shop\\PLAN.md"))

    [file], [document] = talk.digest.touched, talk.digest.documents
    assert (file.path, file.edits, file.elsewhere_ms) == ("C:\\shop\\PLAN.md", 2, talk.at_ms)
    assert document.path == file.path


def test_nothing_of_a_handoff_is_read_however_it_came_in() -> None:
    talk = Conversation().user(f"{HANDOFF}\nGo on with the tax.").says(f"I read:\n{HANDOFF}\nThe tax is next.")
    talk.ran("cat notes.md", f"{HANDOFF}\nlast line").ran("/shop/.carryover/handoff.md", HANDOFF, op="read")
    talk.edited(".carryover/handoff.md")

    assert (talk.turn.prompt, talk.turn.answer) == ("Go on with the tax.", "I read:\n\n\nThe tax is next.")
    assert [call.output for call in talk.digest.calls] == ["last line"]
    assert (talk.digest.touched, talk.turn.changes) == ((), 0)


def test_a_command_that_also_looks_at_the_handoff_is_still_work() -> None:
    talk = Conversation().user("Go.").ran("make; cat .carryover/handoff.md", f"error: no\n{HANDOFF}", status="error")
    talk.ran("cat .carryover/handoff.md", HANDOFF)
    talk.ran("pytest; cat .carryover/handoff.md", f"1 passed in 1s\n{HANDOFF}")

    assert [call.output for call in talk.digest.calls] == ["error: no", "1 passed in 1s"]
    assert (talk.failure.why, talk.turn.changes) == ("error: no", 2)
    assert [seen.run.status for seen in talk.digest.runs] == ["pass"]


def test_a_sub_agent_that_is_to_read_the_handoff_is_work() -> None:
    talk = Conversation().user("Go.").ran("Read .carryover/handoff.md, then add tax.", f"{HANDOFF}\nDone.", op="agent")
    talk.calls("Read .carryover/handoff.md, then add a cap.", op="agent")

    assert (talk.turn.changes, [call.output for call in talk.digest.calls]) == (2, ["Done."])
    assert [call.text for call in talk.digest.open_calls] == ["Read .carryover/handoff.md, then add a cap."]


def test_the_newest_summary_of_each_kind_is_kept_in_its_parts() -> None:
    parts = (model.SummaryPart("next", "Next", "Round the tax."), model.SummaryPart("other", "Files", "cart.py " * 900))
    talk = Conversation().user("Go.").event(model.AgentSummary(text="first", source="compaction"))
    talk.event(model.AgentSummary(text="whole", source="compaction", parts=parts)).user("And?")
    talk.event(model.AgentSummary(text="You were away.", source="away"))

    assert talk.digest.summary is not None and talk.digest.recap is not None
    assert [part.text[:14] for part in talk.digest.summary.parts] == ["Round the tax.", "cart.py cart.p"]
    assert len(talk.digest.summary.parts[1].text) < 2000
    assert (talk.digest.summary.turn, talk.digest.recap.turn, talk.digest.recap.text) == (1, 2, "You were away.")


def job(state: Literal["done", "failed"], report: str) -> Conversation:
    talk = Conversation().user("Go.").event(model.BackgroundTask(task_id="j", state="running", label="npm run build"))
    assert [each.text for each in talk.digest.jobs] == ["npm run build"]
    return talk.event(model.BackgroundTask(task_id="j", state=state, report=report))


def test_a_job_in_the_background_runs_until_it_ends_and_its_report_is_read() -> None:
    done, failed = job("done", "built in 3 s"), job("failed", "out of memory")

    assert [*done.digest.jobs, *failed.digest.jobs, *done.digest.failures] == []
    assert [(call.subject, call.output) for call in done.digest.calls] == [("npm run build", "built in 3 s")]
    assert (failed.failure.tried, failed.failure.why) == ("npm run build", "out of memory")


@pytest.mark.parametrize(
    ("state", "label", "told"),
    [
        ("done", 'Background command "Build" completed (exit code 0)', "ok"),
        ("failed", "", "error"),
        ("stopped", "", "ok"),
    ],
)
def test_the_command_that_began_a_job_is_told_with_its_end(state: Any, label: str, told: str) -> None:
    """Its own result is only the client's line on the job (Claude Code 2.1.27 to 2.1.226)."""
    begun = "Command running in background with ID: b9fbd81. Output is being written to: /tmp/tasks/b9fbd81.output"
    talk = Conversation().user("Build it.").ran("make all", begun).ran("cat /tmp/tasks/b9fbd81.output", "cc a.c")
    talk.event(model.BackgroundTask(task_id="b9fbd81", state="running", label="Build"))
    assert talk.digest.calls[0].output == begun
    talk.event(model.BackgroundTask(task_id="b9fbd81", state=state, label=label))

    assert [(call.output, call.status) for call in talk.digest.calls] == [
        (label or f"background job {state}", told),
        ("cc a.c", "ok"),
    ]


@pytest.mark.parametrize(
    ("command", "state", "label", "told"),
    [
        ("pytest -q", "done", 'Background command "Tests" completed (exit code 0)', ["pass", "pass"]),
        ("pytest -q | tail -3", "done", 'Background command "Tests" completed (exit code 0)', ["pass", "unknown"]),
        ("pytest -q", "failed", 'Background command "Tests" failed with exit code 1', ["pass", "fail"]),
        ("pytest -q", "failed", 'Background command "Tests" failed with exit code 137', ["pass", "unknown"]),
        ("pytest -q", "stopped", 'Background command "Tests" was stopped', ["pass"]),
    ],
)
def test_tests_in_the_background_have_no_result_before_they_end(
    command: str, state: Any, label: str, told: list[str]
) -> None:
    """The client answers at once, with a line on the job (Claude Code 2.1.141)."""
    begun = "Command running in background with ID: b9fbd81. Output is being written to: /tmp/tasks/b9fbd81.output"
    talk = Conversation().user("Run all tests.").ran("pytest test_cart.py", "2 passed in 0.1s").ran(command, begun)
    talk.event(model.BackgroundTask(task_id="b9fbd81", state="running", label="Tests"))
    assert [seen.run.status for seen in talk.digest.runs] == ["pass"]
    talk.event(model.BackgroundTask(task_id="b9fbd81", state=state, label=label))
    assert [seen.run.status for seen in talk.digest.runs] == told


@pytest.mark.parametrize(
    ("output", "left"),
    [
        ("[1] 4711\nready", ["npm run dev"]),
        ("[1]+  Running                 npm run dev > dev.log 2>&1 &", ["npm run dev"]),
        ("[1]  + running    npm run dev > dev.log 2>&1", ["npm run dev"]),
        ("[1]+  Done                    npm run build", ["npm run dev"]),
        ("error: port in use\n[1]+  Exit 1                  npm run dev > dev.log 2>&1", []),
        ("[1]+  已完成               cd shop && npm run dev > dev.log 2>&1\n000", []),
        ("[1]  + 4711 exit 1     npm run dev > dev.log 2>&1", []),
    ],
)
def test_a_job_that_the_shell_reports_as_ended_does_not_run(output: str, left: list[str]) -> None:
    command = "npm run dev > dev.log 2>&1 &\nsleep 8"
    at_once = Conversation().user("Serve it.").ran(command, output)
    later = Conversation().user("Serve it.").ran(command, "[1] 4711").ran("curl localhost", output)
    for talk in (at_once, later):
        assert [job.text for job in talk.digest.jobs] == left


@pytest.mark.parametrize(
    ("output", "began"),
    [
        ("/bin/bash: line 1: eog: command not found", False),
        ("bash: Zeile 1: eog: Kommando nicht gefunden.", False),
        ("zsh:1: command not found: eog", False),
        ("eog: the folder has no pictures: zsh", True),
    ],
)
def test_a_job_whose_program_the_shell_did_not_find_does_not_run(output: str, began: bool) -> None:
    talk = Conversation().user("Show them.").ran("eog pictures &disown 2>&1", output)

    assert [job.text for job in talk.digest.jobs] == (["eog pictures"] if began else [])


@pytest.mark.parametrize(
    ("output", "status", "run"),
    [
        ("84 passed in 2.13s", "ok", "pass"),
        ("FAILED test_cart.py::test_cap\n1 failed, 3 passed in 0.1s", "error", "fail"),
        ("84 passed in 2.13s", "unknown", "pass"),
        ("collecting ...", "unknown", None),
        ("collecting ...", "interrupted", None),
    ],
)
def test_a_test_run_is_one_where_a_record_or_its_output_says_how_it_ended(
    output: str, status: model.ResultStatus, run: str | None
) -> None:
    talk = Conversation().user("Test it.").ran("pytest -q", output, status=status)

    assert [seen.run.status for seen in talk.digest.runs] == ([run] if run else [])


def test_what_says_nothing_changes_nothing() -> None:
    assert Conversation().says(" \n").event(model.UserPrompt(text="Look.", actor="model")).digest == Digest()


def test_edited_files_go_with_the_folder_that_a_command_removes() -> None:
    talk = Conversation().user("Make a skill.")
    for path in ("/home/dev/.skills/web/run.sh", "/home/dev/.skills/web.md", "/home/dev/shop/lib/a.py"):
        talk.event(model.FileEdit(path=path, change="add"))
    talk.event(model.FileEdit(path="/home/dev/shop/lib/b.py", change="modify"))
    talk.ran('rm -rf "$HOME/.skills/web" && ls').ran("rm -rf /home/dev/shop/lib", status="error")
    assert [file.path[-6:] for file in talk.digest.touched if file.change == "delete"] == ["run.sh"]
    assert [file.change for file in talk.digest.touched if file.path.endswith("web.md")] == ["add"]

    talk.ran("rm -rf /home/dev/shop/lib")
    gone = [(file.path[-4:], file.temporary) for file in talk.digest.touched if file.change == "delete"]
    assert gone == [("n.sh", True), ("a.py", True), ("b.py", False)]


def test_what_is_not_final_opens_an_answered_turn_again_and_no_other() -> None:
    more = model.AssistantMessage(text="Now the receipt.", final=False)
    answered = Conversation().user(GOAL).says("Done.")
    assert [answered.digest.turns[-1].end, answered.event(more).digest.turns[-1].end] == ["answered", ""]
    limited = Conversation().user(GOAL).event(model.TurnEnd(reason="limit")).event(more)
    assert limited.digest.turns[-1].end == "limit"
