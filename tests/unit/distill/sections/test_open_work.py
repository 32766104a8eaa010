"""What still runs or was announced is open work, whatever else was answered."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from carryover.distill.sections.recent_calls import call_entries
from carryover.distill.sections.where_it_stands import standing_entries
from carryover.distill.trail import running_jobs
from carryover.model import (
    AgentSummary,
    BackgroundTask,
    PlanItem,
    PlanProposal,
    PlanUpdate,
    ResultStatus,
    SummaryPart,
    ToolCall,
    ToolResult,
)
from support.conversation import GOAL, ROOT, Conversation, handoff, past, project, section, session, under, worked

TRAINING = "tmux new-session -d -s epochs 'python train.py --epochs 200'"


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (TRAINING, "python train.py --epochs 200"),
        ("cd runs && nohup python fit.py > fit.log 2>&1 &", "nohup python fit.py"),
        ("screen -dmS crawl ./crawl.sh --depth 9", "./crawl.sh --depth 9"),
        ("kill 4711; ./serve.sh > serve.log &", "./serve.sh"),
        ("tmux new -d -s fit; tmux send-keys -t fit 'python fit.py --epochs 9' Enter", "python fit.py --epochs 9"),
    ],
)
def test_a_job_that_a_command_left_running_is_open_also_after_other_answers(command: str, line: str) -> None:
    talk = worked().user("Start it.").ran(command).says("It is running.")
    for number in range(4):
        talk.user(f"What is in part {number}?").says(f"Part {number} has the labels.")

    assert "in the background, no end recorded" in under("Where it stands", talk)
    assert line in under("Where it stands", talk)
    assert not handoff(talk).settled
    assert not handoff(talk, worked("s2", "Add a logo.", hours=5)).settled
    assert "in the background" in under("Where it stands", talk, worked("s2", "Add a logo.", hours=5))
    assert handoff(talk, worked("s2", "Add a logo.", hours=50)).settled


@pytest.mark.parametrize(("jobs", "more"), [(3, []), (4, ["and 1 more"]), (5, ["and 2 more"])])
def test_the_three_newest_jobs_are_named_and_the_others_counted(jobs: int, more: list[str]) -> None:
    talk = worked().user("Start them.")
    for number in range(jobs):
        talk.ran(f"./crawl.sh --depth {number} &")
    said = under("Where it stands", talk.says("They run."))

    assert re.findall(r"crawl.sh --depth (\d)", said) == [str(number) for number in range(jobs - 3, jobs)]
    assert re.findall(r"and \d+ more", said) == more


@pytest.mark.parametrize(("unreported", "says_it"), [(True, False), (False, True)])
def test_a_job_whose_end_is_not_reported_is_over_once_its_turn_was_answered(unreported: bool, says_it: bool) -> None:
    job = BackgroundTask(task_id="b1", state="running", label="npm test", unreported=unreported)
    talk = worked().user("Run the tests.").event(job)
    assert "no end recorded: “npm test”" in under("Where it stands", talk)

    talk.says("They pass.")
    assert ("no end recorded" in under("Where it stands", talk)) is says_it
    talk.user("Why?").says("The cart was empty.")
    assert ("no end recorded" in under("Where it stands", talk)) is says_it


@pytest.mark.parametrize(
    "end", ["tmux kill-session -t epochs", "pkill -f train.py", "tmux send-keys -t epochs C-c", "kill 4711"]
)
def test_a_job_that_was_ended_is_over(end: str) -> None:
    talk = worked().user("Start it.").ran(TRAINING).ran(end).says("It is stopped.")

    assert under("Where it stands", talk).count("background") == 0
    assert handoff(talk).settled


def test_a_job_that_the_agent_records_after_its_command_counts_once() -> None:
    talk = worked().user("Serve it.").ran("fuser -k :80; npm run dev &")
    talk.at_ms -= 60_000
    talk.event(BackgroundTask(task_id="b1", state="running", label="Restart the server"))

    assert [job.text for job in talk.digest.jobs] == ["Restart the server"]


@pytest.mark.parametrize(
    ("command", "status", "runs"),
    [("npm run build", "ok", False), ("npm run build", "error", True), ("npm run", "ok", True)],
)
def test_a_job_whose_command_has_since_run_to_its_end_is_over(command: str, status: ResultStatus, runs: bool) -> None:
    build = BackgroundTask(task_id="call_7", state="running", label="npm run build")
    talk = worked().user("Build it.").event(build).ran(command, "built", status=status).says("It is built.")

    assert ("no end recorded: “npm run build”" in under("Where it stands", talk)) is runs


def test_a_job_runs_on_when_a_long_command_that_begins_as_its_own_has_ended() -> None:
    train = f"python train.py {'--rate 0.1 ' * 20}--seed"
    job = BackgroundTask(task_id="call_7", state="running", label=f"{train} 1")
    talk = worked().user("Train it.").event(job).ran(f"{train} 2", "trained").says("The second one is trained.")

    assert [one.id for one in talk.digest.jobs] == ["call_7"]


def test_a_runner_that_is_not_there_is_named_as_why_no_test_was_run() -> None:
    talk = worked().ran("python3 -m pytest", "python3: No module named pytest", status="error").says("It is not there.")

    assert "`python3 -m pytest`: no test was run: python3: No module named pytest" in under("Where it stands", talk)


def test_of_jobs_on_one_port_the_newest_runs() -> None:
    lines = ("npm run dev -- --port 8080", "uvicorn shop:app --port 8000", "npm run dev -- --host :: --port 8080")
    talk = worked().user("Serve it.")
    for number, line in enumerate(lines):
        talk.event(BackgroundTask(task_id=f"call_{number}", state="running", label=line))
    other = worked("s2", "Serve it again.", hours=5)
    other.event(BackgroundTask(task_id="call_9", state="running", label="uvicorn shop:app --host 0.0.0.0 --port=8000"))
    stands = under("Where it stands", talk.says("It is there."), other.says("Again."))

    assert f"no end recorded: “{lines[2]}”" in stands
    assert lines[0] not in stands
    assert lines[1] not in stands
    assert stands.index(lines[2]) < stands.index("--port=8000")


@pytest.mark.parametrize("option", ["--redis-port 6379", "-o Port=6379", "--redis.port=6379"])
def test_jobs_that_only_use_the_same_port_all_run(option: str) -> None:
    lines = (f"./till.sh {option}", f"./bakery.sh {option}")
    talk = worked().user("Begin.")
    for number, line in enumerate(lines):
        talk.event(BackgroundTask(task_id=f"call_{number}", state="running", label=line))
    stands = under("Where it stands", talk.says("They run."))

    assert all(line in stands for line in lines)


@pytest.mark.parametrize(("where", "runs"), [("", False), (" on laptop", True)])
def test_a_job_on_the_same_port_of_another_machine_runs_on(where: str, runs: bool) -> None:
    talks = []
    for number, option in enumerate(("--server.port=8080", "PORT=8080")):
        talk = worked(f"s{number}", "Serve it.", hours=number)
        talk.event(BackgroundTask(task_id="call_1", state="running", label=f"npm start {option}"))
        talks.append(talk.says("It is there.").view())
    there, here = talks
    view = replace(project(talk), sessions=(here, replace(there, where=where)))
    jobs = [job.text for job, _ in running_jobs(past(talk, view=view))]

    assert jobs == [*["npm start --server.port=8080"] * runs, "npm start PORT=8080"]


def test_a_job_that_only_looks_around_is_no_work() -> None:
    talk = worked().user("Find it.").event(BackgroundTask(task_id="b1", state="running", label="grep -rn voucher /srv"))
    assert handoff(talk.says("Searching.")).settled


def test_the_next_step_of_a_summary_stays_until_an_answer_comes() -> None:
    """The turn was cut off after the compaction, so nothing else says how it was to go on."""
    parts = tuple(
        SummaryPart(heading=kind.title(), text=f"The {kind} is here.", kind=kind) for kind in ("pending", "next")
    )
    talk = worked().user("Move it.").event(AgentSummary(text="", source="compaction", parts=parts)).user("And?")

    assert fixed("From the agent's own summary", talk) == ["The next is here."]
    assert fixed("From the agent's own summary", talk.says("It is moved.").user("Now?")) == []


@pytest.mark.parametrize("command", ["make -j4 && make install", "./serve.sh & sleep 1; curl :80; kill %1", "a 2>&1"])
def test_a_command_that_leaves_nothing_running_starts_no_job(command: str) -> None:
    assert session("s1").user("Go.").ran(command).digest.jobs == ()


def test_a_job_that_is_looked_at_still_runs_and_one_that_the_agent_recorded_counts_once() -> None:
    talk = worked().user("Start it.").ran(TRAINING).says("Running.")
    for _ in range(30):
        talk.at_ms += 3_600_000
        talk.user("How far is it?").ran("tmux capture-pane -p -t epochs", "epoch 8").says("It is at epoch 8.")
    assert not handoff(talk).settled

    talk = worked().user("Serve it.").event(BackgroundTask(task_id="b1", state="running", label="./serve.sh"))
    talk.at_ms -= 120_000  # the result and the record of the job have the same time
    talk.ran("./serve.sh &").says("It serves.")
    assert len(talk.digest.jobs) == 1


@pytest.mark.parametrize(
    "words",
    [
        "The vouchers are in. The importer is next.",
        "Done.\n\n1. Move the vouchers\n2. Drop the column\n3. Publish",
        "Done.\n\nWhat is left:\n- the importer\n- the column\n",
        "Done.\n\n- [x] vouchers\n- [ ] importer\n\nIt took an hour.",
    ],
)
def test_nothing_is_settled_below_last_words_that_say_what_comes_or_list_steps(words: str) -> None:
    assert not handoff(worked(says=words)).settled
    assert not handoff(worked(says=words), session("s2", hours=1).user("Thanks").says("Gladly.")).settled


@pytest.mark.parametrize("words", ["The vouchers are in.", "Changed:\n- cart.py\n- tax.py\n\nAll tests pass."])
def test_last_words_that_only_report_leave_nothing_open(words: str) -> None:
    assert handoff(worked(says=words)).settled


def test_nothing_is_settled_while_a_summary_or_an_accepted_plan_since_the_prompt_lists_steps() -> None:
    parts = (SummaryPart(heading="Pending Tasks", kind="pending", text="- Move the vouchers"),)
    summed = session("s1").user("Move them.").event(AgentSummary(text="", source="compaction", parts=parts))
    assert not handoff(summed.edited("cart.py").says("One is moved.")).settled
    assert handoff(summed.user("And the rest?").edited("cart.py").says("All are moved.")).settled

    planned = session("s1").user("Plan it.").event(PlanProposal(call_id="p", text="1. Move\n2. Drop", accepted=True))
    assert not handoff(planned.edited("cart.py").says("The first one is moved.")).settled


def test_what_failed_last_in_the_leading_turn_and_did_not_succeed_later_stays_whatever_else_there_is() -> None:
    talk = session("s1").user("Publish it.").ran("make okapi", "Error: no okapi", status="error")
    talk = talk.user("And now?").ran("make zebra", "Error: no zebra", status="error")
    talk.ran("make lemur", "Error: no lemur", status="error").ran("make lemur").says("It is published.")

    assert fixed("Failed approaches", talk) == ["`make zebra` (5 min earlier) → Error: no zebra"]
    assert "edited since" not in under("Failed approaches", talk)
    talk.ran("python zebra.py", "Error: no zebra", status="error").edited("zebra.py").says("Done.")
    assert "(2 min earlier, `zebra.py` edited since)" in under("Failed approaches", talk)
    talk = session("s1").user("Publish it.").edited("yak.py").edited("zebra.py")
    talk.ran("python yak.py zebra.py", "Error: no yak", status="error").edited("yak.py").says("Done.")
    assert "(2 min earlier, `yak.py` edited since)" in under("Failed approaches", talk)


def test_what_failed_in_the_newest_work_is_told_also_after_other_answers() -> None:
    talk = worked().user("Move the films.").ran("python move.py && tail move.log", "Error: no time", status="error")
    talk.ran("tail move.log", "moving 1 of 9").says("They are on their way.")
    for number in range(2):
        talk.user(f"What is in part {number}?").says(f"Part {number} has the labels.")

    assert fixed("Failed approaches", talk) == ["`python move.py && tail move.log` (7 min earlier) → Error: no time"]


def fixed(title: str, talk: Conversation) -> list[str]:
    entries = (entry for one in handoff(talk).sections if one.title == title for entry in one.entries)
    return [entry.text for entry in entries if entry.rank is not None]


def test_a_job_that_was_begun_again_with_the_same_words_is_told_once() -> None:
    talk = session("s1").user(GOAL).ran("./serve.sh &").ran("./import.sh &").says("They run.")
    stands = under("Where it stands", talk.user("It is gone.").ran("./serve.sh &").says("It runs."))

    assert stands.count("“./serve.sh”") == 1
    assert "“./import.sh” (5 min earlier); “./serve.sh” (1 min earlier)" in stands


def test_two_jobs_without_words_are_two() -> None:
    talk = worked().user("Look at both.")
    for task in ("agent-1", "agent-2"):
        talk.event(BackgroundTask(task_id=task, state="running"))

    assert under("Where it stands", talk.says("They run.")).count("“background job”") == 2


def test_a_job_that_ended_after_the_last_words_is_told_beside_them() -> None:
    running = BackgroundTask(task_id="b1", state="running", label="Run all tests")
    talk = worked().user("Test it.").event(running).says("Still at the first test, I wait.")
    assert "ended since" not in under("Where it stands", talk)

    stopped = BackgroundTask(task_id="b1", state="stopped", label='Background command "Run all tests" was stopped')
    again = BackgroundTask(task_id="b1", state="stopped")
    told = 'ended since the last words: “Background command "Run all tests" was stopped”'
    assert under("Where it stands", talk.event(stopped).event(again)).count(told) == 1
    assert "ended since" not in under("Where it stands", talk.says("They were stopped."))


def is_fixed(talk: Conversation, words: str) -> bool:
    [told] = [entry for entry in call_entries(past(talk)) if words in entry.text]
    return told.rank is not None


def test_a_job_whose_end_reached_the_agent_after_it_had_spoken_is_told_with_its_report() -> None:
    """Claude Code queues a report while the agent speaks, and delivers it behind (2.1.81)."""
    report = "The tests can't be read: Write is denied.\nGrant Write, and I go on."
    ended = BackgroundTask(task_id="b1", state="done", label="Agent completed", report=report)
    talk = worked().user("Test it.").event(BackgroundTask(task_id="b1", state="running", label="Run all tests"))
    talk.event(ended).says("The tests run, I wait.")
    assert "ended since" not in under("Where it stands", talk)

    stands = under("Where it stands", talk.event(ended))
    assert stands.count("ended since the last words: “Agent completed”") == 1
    assert is_fixed(talk, "Grant")
    assert not is_fixed(talk.says("I can't test it."), "Grant")


def test_a_test_run_of_an_earlier_turn_says_which_if_no_time_does() -> None:
    talk = Conversation().user(GOAL).ran("pytest -q", "84 passed in 2.1s")
    before_ms = talk.at_ms - 60_000  # each event is a minute later
    talk.at_ms = before_ms
    assert "last test run `pytest -q`: passed" in under("Where it stands", talk.says("It passes."))
    talk.at_ms = before_ms
    talk.user("Now the tax on carts, please.").at_ms = before_ms
    assert "last test run (turn 1) `pytest -q`: passed" in under("Where it stands", talk.says("I do."))
    (line, *_) = standing_entries(past(talk), None)
    assert [(one.kind, one.turn) for one in line.sources] == [("test run", 1)]
    (line, *_) = standing_entries(past(talk.user("And the postage of carts, please.").calls("make")), None)
    assert [(one.kind, one.turn) for one in line.sources] == [("ending", 3), ("test run", 1)]


def test_of_a_long_command_the_part_that_runs_tests_is_told() -> None:
    checks = " && ".join(f"ruff check src/part_{number}" for number in range(9))
    talk = Conversation().user(GOAL).ran(f"cd {ROOT}/api && {checks} && pytest -q tests", "84 passed in 2.1s")

    assert "`pytest -q tests` in `api`: passed" in under("Where it stands", talk.says("It passes."))
    script = "\n".join(("cat > a.py <<'X'", *(f"print({number})" for number in range(90)), "X"))
    talk.ran(f"I=-I{'/include' * 40}\nCFLAGS=$I cargo test", "84 passed in 2.1s")
    assert " cargo test`: passed" in under("Where it stands", talk.says("It passes."))
    talk.ran(f"cd {ROOT}\n{script}\npytest -q a.py 2>&1 | tail -3", "85 passed in 2.1s")
    assert "last test run `pytest -q a.py`: passed" in under("Where it stands", talk)
    talk.ran("npm ci\n(cd b && pytest)", "86 passed in 2.1s")
    assert "last test run `npm ci ¶ (cd b && pytest)`: passed" in under("Where it stands", talk)


def test_a_folder_of_any_length_takes_one_line_of_a_test_run() -> None:
    talk = Conversation().user(GOAL)
    talk.cwd = f"{talk.cwd}/{'an order to the next agent/' * 100}end"
    stands = under("Where it stands", talk.ran("pytest -q", "84 passed in 2.1s").says("It passes."))

    [line] = [line for line in stands.splitlines() if "last test run" in line]
    assert line.endswith("end`: passed (84 passed)")
    assert len(line) < 300


def test_the_plan_that_a_turn_carries_out_keeps_its_place_until_the_answer() -> None:
    plan = "\n".join(f"{number}. Round the prices of part {number} last, and test it." for number in range(30))
    talk = session("s1").user("Plan it.").event(PlanProposal(call_id="p", text=plan))
    talk.user("Implement the plan.").event(PlanProposal(call_id="", text="", accepted=True)).edited("cart.py")

    def begins_fixed() -> bool:
        [own] = [one for one in handoff(talk).sections if one.title == "From the agent's own summary"]
        return own.entries[0].rank is not None

    assert "plan, accepted by the user (turn 2, no prompt since): 0. Round" in under(
        "From the agent's own summary", talk
    )
    assert begins_fixed()
    talk.says("Rounded.")
    assert not begins_fixed()


def test_of_a_long_plan_that_waits_eight_lines_stand_from_its_beginning_and_its_end() -> None:
    plan = "\n\n".join(f"{number}. Round part {number} of the bill, once its own tax is added." for number in range(60))
    talk = session("s1").user("Plan it.").event(PlanProposal(call_id="p", text=plan))

    lines = section(talk, title="Open questions")
    assert len(lines) == 8
    assert "1. Round part 1 of the bill" in lines[0] and "59. Round part 59 of the bill" in lines[-1]


def test_a_call_that_its_client_left_running_is_told_once() -> None:
    call = ToolCall(call_id="call_1", name="exec_command", op="shell", subject="npm run serve")
    job = BackgroundTask(task_id="call_1", state="running", label="npm run serve", unreported=True)
    stands = under("Where it stands", session("s1").user(GOAL).event(call).event(job).calls("make all"))

    assert stands.count("npm run serve") == 1
    assert "no end recorded: “npm run serve”" in stands
    assert "In flight, no result recorded: `make all`" in stands


def test_a_call_from_before_a_compaction_is_in_flight_until_the_next_one() -> None:
    """Copilot compacts while a call runs; of Claude Code 2.1.29, one that waited had no result."""
    talk = session("s1").user(GOAL).calls("make one").event(AgentSummary(text="Half is done.", source="compaction"))
    assert "In flight, no result recorded: `make one`" in under("Where it stands", talk)

    stands = under("Where it stands", talk.calls("make two"))

    assert "In flight, no result recorded: `make two`" in stands
    assert "make one" not in stands


def test_of_calls_without_a_result_the_newest_stand_that_no_other_section_tells() -> None:
    talk = session("s1").user(GOAL).calls("make one").calls("make two").calls("make all")
    stands = under("Where it stands", talk.calls("cart.py", op="edit", name="Edit"))

    assert re.findall(r"no result recorded: `(.*)`", stands) == ["make two", "make all"]

    looks = talk.calls("cap site:example.com", op="web", name="WebSearch").calls("cart.py", op="read", name="Read")
    assert re.findall(r"no result recorded: `(.*)`", under("Where it stands", looks)) == ["make two", "make all"]


def test_what_a_session_left_open_is_left_for_one_of_eight_prompts_too() -> None:
    items = (PlanItem(text="Round", state="done"), PlanItem(text="Cap"))
    left = worked().event(PlanUpdate(items=items)).says("Done. Shall I delete the old table?")

    def after(pages: int, *, led_by: str | None = None) -> str:
        later = session("s2", hours=1)
        for page in range(pages):
            later.user(f"Add page {page}.").edited("manual.md").says("It is there.").user("ok").says("Good.")
        titles = ("Next action", "Open questions")
        return "\n".join(line for title in titles for line in section(left, later, title=title, led_by=led_by))

    assert [part in after(7) for part in ("open: Cap", "Shall I delete")] == [True, True]
    assert [part in after(8) for part in ("open: Cap", "Shall I delete")] == [False, False]
    assert [part in after(8, led_by="s1") for part in ("open: Cap", "Shall I delete")] == [True, True]


@pytest.mark.parametrize(("call", "waits"), [("p", False), ("other", True)])
def test_a_plan_whose_call_failed_was_never_put_to_the_user(call: str, waits: bool) -> None:
    talk = session("s1").user(GOAL).event(PlanProposal(call_id="p", text="1. Move `cart.py`."))
    failed = ToolResult(call_id=call, name="exit_plan_mode", op="plan", status="error", subject="")
    talk.event(failed).says("I go on without a plan.")

    assert ("plan waits" in under("Open questions", talk)) is waits


@pytest.mark.parametrize("accepted", [True, False])
def test_a_ruling_on_a_plan_stays_whatever_its_call_says_later(accepted: bool) -> None:
    talk = session("s1").user(GOAL).event(PlanProposal(call_id="p", text="1. Move `cart.py`.", accepted=accepted))
    talk.event(ToolResult(call_id="p", name="exit_plan_mode", op="plan", status="error", subject=""))

    stands = ("accepted by the user", "From the agent's own summary") if accepted else ("refused", "Where it stands")
    assert stands[0] in under(stands[1], talk)


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("again", ["1. Move `cart.py`.", "1. Move `tax.py`.", ""])
def test_a_ruling_on_a_plan_stays_where_another_call_for_one_fails(accepted: bool, again: str) -> None:
    """By a model that forgot that it has left plan mode (Claude Code 2.1.88, a public session)."""
    talk = session("s1").user(GOAL).event(PlanProposal(call_id="p", text="1. Move `cart.py`."))
    talk.event(PlanProposal(call_id="p", text="", accepted=accepted))
    for call in ("q", "r"):
        talk.event(PlanProposal(call_id=call, text=again))
        talk.event(ToolResult(call_id=call, name="exit_plan_mode", op="plan", status="error", subject=""))

    stands = ("Move `cart.py`", "From the agent's own summary") if accepted else ("refused", "Where it stands")
    assert stands[0] in under(stands[1], talk)
    assert "plan waits" not in under("Open questions", talk)


def test_that_failing_tests_were_not_run_again_is_said_before_their_names_which_may_be_long() -> None:
    names = [f"tests/test_cart.py::test_the_{part}_of_a_cart_is_rounded_after_the_tax_of_its_rows" for part in "abcd"]
    failed = "\n".join((*(f"FAILED {name}" for name in names), "4 failed in 0.1s"))
    talk = session("s1").user(GOAL).ran("pytest -q", failed, status="error").edited("cart.py").says("It is mended.")

    assert "Tests fail (not run again since `cart.py` changed) in tests/" in under("Open questions", talk)
