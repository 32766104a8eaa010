"""What stands under Failed approaches."""

from __future__ import annotations

from typing import Literal

import pytest

from carryover import model
from carryover.model import ResultStatus
from support.conversation import GOAL, MINUTE_MS, ROOT, handoff, section, session, under


def test_a_command_that_shows_an_error_through_a_pipe_has_failed_and_solves_nothing() -> None:
    no_type = "cart.ts(1,2): error TS2322: No cart."
    talk = session("s1").user(GOAL).ran("npx tsc | head -4", no_type)
    assert under("Failed approaches", talk).endswith(f"→ {no_type}")

    assert "solved since" not in under("Failed approaches", talk.ran("npx tsc | head -5", f"{no_type}\n  No lid."))
    for again in ("npx tsc | head -5", "npx tsc --noEmit | tail", "cd shop && npx tsc && npm start"):
        later = session("s1").user(GOAL).ran("npx tsc | head -4", no_type).ran(again, "")
        assert "solved since" in under("Failed approaches", later)
    assert "solved since" not in under("Failed approaches", talk.ran("npx tsc | head -5", "", status="interrupted"))

    said = session("s1").user(GOAL).ran("npx tsc | head -4", no_type).says("It is from before.", final=False)
    assert "then: “It is from before.”" in under("Failed approaches", said.ran("ls").says("Done."))


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("/bin/bash: line 1: python: command not found", "`python`"),
        ("ps: Operation not permitted\nzsh:1: command not found: python", "`python`"),
        ("python: cart.py: No such file", "`python cart.py --cap 80`"),
        ("run.sh: line 4: eog: command not found", "`python cart.py --cap 80`"),
        ("bash: line 1: python: bad option", "`python cart.py --cap 80`"),
    ],
)
def test_of_a_program_that_is_not_there_only_its_name_is_shown(said: str, named: str) -> None:
    talk = session("s1").user(GOAL).ran("python cart.py --cap 80", said, status="error").ran("make").says("Done.")
    assert under("Failed approaches", talk).startswith(f"{named} (")


def test_a_failed_call_stands_with_what_the_agent_said_right_after_unless_that_was_its_answer() -> None:
    talk = session("s1").user(GOAL).ran("pip install money", "ERROR: 401 from the registry", status="error")
    [line] = section(talk.says("The registry wants a token."), title="Failed approaches")
    assert line.endswith("→ ERROR: 401 from the registry")

    [line] = section(talk.ran("make").says("It is built."), title="Failed approaches")
    assert line.endswith("→ ERROR: 401 from the registry; claude-code then: “The registry wants a token.”")

    [line] = section(talk.ran("pip install money").says("It is installed."), title="Failed approaches")
    assert line.endswith("solved since) → ERROR: 401 from the registry")

    silent = session("s1").user(GOAL).ran("make cap", status="error").says("No rule.", final=False).ran("ls")
    assert under("Failed approaches", silent.says("Done.")).endswith("→ claude-code then: “No rule.”")

    for in_turn in (False, True):
        asked = session("s1").user(GOAL).ran("make cap", status="error")
        asked.event(model.UserPrompt(text="And the bill?", in_turn=in_turn)).says("It is there.", final=False)
        assert "then:" not in under("Failed approaches", asked.ran("make").says("Done."))


@pytest.mark.parametrize(
    ("at_once", "second", "has_words"), [(True, "ok", True), (True, "error", False), (False, "ok", False)]
)
def test_what_was_said_after_calls_at_the_same_time_goes_to_the_one_that_failed(
    at_once: bool, second: ResultStatus, has_words: bool
) -> None:
    talk = session("s1").user(GOAL)
    calls = [model.ToolCall(call_id=one, name="Bash", op="shell", subject=f"make {one}") for one in ("cap", "cart")]
    results = [
        model.ToolResult(
            call_id=call.call_id, name="Bash", op="shell", subject=call.subject, output=call.subject, status=status
        )
        for call, status in zip(calls, ("error", second), strict=True)
    ]
    events: list[model.AnyBody] = [*calls, *results] if at_once else [calls[0], results[0], calls[1], results[1]]
    for event in events:
        if event is results[1] and at_once:
            talk.says("One has ended.", final=False)
        talk.event(event)
    talk.says("It has no rule.", final=False).ran("ls").says("Done.")

    [*_, cap] = section(talk, title="Failed approaches")
    assert cap.startswith("`make cap`")
    assert ("then: “It has no rule.”" in cap) == has_words


def test_what_was_said_after_the_report_of_a_job_that_failed_is_kept() -> None:
    talk = session("s1").user(GOAL).ran("ls")
    talk.event(model.BackgroundTask(task_id="b", state="failed", label="Serve it", report="No port."))
    talk.says("Another shop has the port.", final=False).ran("ls").says("Done.")

    assert "then: “Another shop has the port.”" in under("Failed approaches", talk)


def test_of_a_job_whose_output_nobody_read_nothing_is_said_but_that_it_failed() -> None:
    talk = session("s1").user(GOAL)
    talk.event(model.BackgroundTask(task_id="b", state="failed", label="Serve it: exit code 1"))

    assert section(talk.says("Done."), title="Failed approaches") == ["“Serve it: exit code 1” (1 min earlier)"]


@pytest.mark.parametrize(
    ("command", "code", "fails"),
    [
        ("pkill -f serve.py", 143, False),
        ("ls", 143, True),
        ("pkill -f serve.py", 1, True),
        ("pkill -f other.py", 139, True),
    ],
)
def test_a_job_that_the_agent_killed_has_not_failed(command: str, code: int, fails: bool) -> None:
    """What ended it is reported while the command still runs, or after it."""
    ended = model.BackgroundTask(task_id="b", state="failed", label=f"Serve it: exit code {code}")
    talks = (
        session("s1").user(GOAL).calls(command).event(ended).says("Done."),
        session("s1").user(GOAL).ran(command).event(ended).says("Done."),
    )

    assert [section(talk, title="Failed approaches") != [] for talk in talks] == [fails, fails]


@pytest.mark.parametrize(("command", "fails"), [("grep -rn cap shop", False), ("make cap", True)])
def test_a_job_that_found_nothing_has_not_failed(command: str, fails: bool) -> None:
    talk = session("s1").user(GOAL).ran(command, "Command running in background with ID: b7e1f09.")
    talk.event(model.BackgroundTask(task_id="b7e1f09", state="running", label="Cap it"))
    talk.event(model.BackgroundTask(task_id="b7e1f09", state="failed", label="Cap it: exit code 1"))

    assert (section(talk.says("Done."), title="Failed approaches") != []) is fails


@pytest.mark.parametrize(("again", "is_solved"), [("cd shop && make cap", True), ("make tax", False)])
def test_a_job_that_failed_is_solved_by_its_command_once_that_succeeds(again: str, is_solved: bool) -> None:
    talk = session("s1").user(GOAL).ran("make cap", "Command running in background with ID: b7e1f09.")
    talk.event(model.BackgroundTask(task_id="b7e1f09", state="failed", label="Cap it: exit code 2"))
    assert "solved since" not in under("Failed approaches", talk)
    in_background = session("s2").user(GOAL).ran("make cap", "No rule.", status="error")
    in_background.ran(again, "Command running in background with ID: b7e1f09.")
    in_background.event(model.BackgroundTask(task_id="b7e1f09", state="done", label="Cap it: exit code 0"))

    assert ("solved since" in under("Failed approaches", talk.ran(again))) is is_solved
    assert ("solved since" in under("Failed approaches", in_background)) is is_solved


def test_a_job_that_was_stopped_has_not_failed_though_its_end_was_reported_first() -> None:
    talk = session("s1").user(GOAL)
    talk.event(model.BackgroundTask(task_id="b", state="failed", label="Serve it: exit code 137"))
    talk.event(model.BackgroundTask(task_id="b", state="stopped", label="KillShell"))

    assert section(talk.says("Done."), title="Failed approaches") == []


@pytest.mark.parametrize(
    ("code", "after_ms", "fails"), [(137, 90, False), (139, 90, True), (1, 90, True), (143, 4_000, True)]
)
def test_a_command_in_which_the_user_interrupted_the_turn_has_not_failed(code: int, after_ms: int, fails: bool) -> None:
    """One that had run out of time or memory before (143, 137) has."""
    result = model.ToolResult(
        call_id="c", name="Bash", op="shell", status="error", subject="make cap", exit_code=code, output="Cap made."
    )
    talk = session("s1").user(GOAL).event(result)
    assert "make cap" in under("Failed approaches", talk)

    talk.at_ms += after_ms - MINUTE_MS
    talk.event(model.TurnEnd(reason="interrupted"))
    assert ("make cap" in under("Failed approaches", talk)) is fails


@pytest.mark.parametrize("op", ["edit", "write"])
def test_a_failed_edit_or_write_gives_its_reason_first(op: Literal["edit", "write"]) -> None:
    output = "A hook holds it back:\n1. Name the caller.\n2. Then try again."
    talk = session("s1").user(GOAL).ran(f"{ROOT}/cart.py", output, status="error", op=op, name="Write")

    assert section(talk.says("Done."), title="Failed approaches")[0].endswith("→ A hook holds it back")


def test_the_first_error_of_eslint_is_the_reason_also_where_a_terminal_wrapped_the_path_of_its_file() -> None:
    output = (
        "C:\\shop\\ta\nx.ts\n  19:1  error    Error: no rate\n\nA rate is needed.   no-undef\n"
        "  20:1  warning  no tax\n\n✖ 2 problems (1 error, 1 warning)\n"
    )
    talk = session("s1").user(GOAL).ran("npm run lint", output, status="error")

    assert section(talk.says("I look."), title="Failed approaches")[0].endswith("→ 19:1 error Error: no rate")


def test_of_a_push_that_was_not_taken_it_says_why() -> None:
    output = (
        "remote: error: GH013: rule violations\nTo github.com:dev/shop.git\n"
        " ! [remote rejected] main -> main (push declined due to repository rule violations)\n"
        "error: failed to push some refs to 'github.com:dev/shop.git'"
    )
    talk = session("s1").user(GOAL).ran("git push", output, status="error")
    [line] = section(talk.says("It is not taken.").ran("ls").says("I look."), title="Failed approaches")

    assert "-> main (push declined due to repository rule violations); claude-code then: “It is not taken.”" in line
    talk.ran("git push origin main", "To github.com:dev/shop.git\n   1ab2c3d..4ef5a6b  main -> main")
    assert "solved since" in under("Failed approaches", talk)


def test_the_files_of_what_was_reverted_stay_beside_long_prompts() -> None:
    talk = session("s1").user("Build the shop with a cart, vouchers and taxes, in whole cents, never floats. " * 3)
    talk.event(model.FileEdit(path=f"{ROOT}/{'packages/' * 8}cart.py", change="modify", diff="-cents\n+float"))
    talk.says("Done.").user("You gave me floats, and I said that I want whole cents, in each file of the shop. " * 3)
    talk.event(model.FileEdit(path=f"{ROOT}/{'packages/' * 8}cart.py", change="modify", diff="-float\n+cents"))

    assert "had changed in packages/" in under("Failed approaches", talk.says("It is cents again."))


@pytest.mark.parametrize(
    ("again", "given", "is_solved"),
    [("shop_tree", "cart, 0:1", True), ("shop_styles", "cart, 0:1", False), ("shop_tree", "cart, 0:2", False)],
)
def test_only_the_same_tool_with_the_same_arguments_solves_a_call_of_a_server(
    again: str, given: str, is_solved: bool
) -> None:
    talk = session("s1").user(GOAL)
    talk.ran("cart, 0:1", "Rate limit exceeded", status="error", op="other", name="shop_tree")

    talk.ran(given, "[]", op="other", name=again)

    assert ("solved since" in under("Failed approaches", talk)) is is_solved


@pytest.mark.parametrize(("said", "counts"), [("Yes, please.", False), ("No, no!", True), ("Floats again.", True)])
def test_a_step_that_the_user_only_agreed_to_reverts_nothing(said: str, counts: bool) -> None:
    talk = session("s1").user("Use floats until the vouchers work.")
    talk.event(model.FileEdit(path=f"{ROOT}/cart.py", change="modify", diff="-cents\n+float"))
    talk.says("Done. Now cents again?").user(said)
    talk.event(model.FileEdit(path=f"{ROOT}/cart.py", change="modify", diff="-float\n+cents"))

    text = under("Failed approaches", talk.says("It is cents again."))

    assert ("Reverted in turn 2" in text) is counts


@pytest.mark.parametrize("path", ["/tmp/try.py", "/home/dev/.agent/memory/cart.md"])
def test_what_was_reverted_in_a_scratch_file_or_an_agents_notes_is_no_failed_approach(path: str) -> None:
    talk = session("s1").user("Use floats.").event(model.FileEdit(path=path, change="modify", diff="-cents\n+float"))
    talk.edited("cart.py").says("Done.").user("Cents, as I said!")
    talk.event(model.FileEdit(path=path, change="modify", diff="-float\n+cents"))

    assert under("Failed approaches", talk.says("It is cents again.")) == ""


@pytest.mark.parametrize(("name", "counts"), [("public/rates.txt", False), ("public/taxes.txt", True)])
def test_a_file_that_was_written_elsewhere_was_moved_and_not_reverted(name: str, counts: bool) -> None:
    talk = session("s1").user("List the rates.")
    talk.event(model.FileEdit(path=f"{ROOT}/src/rates.txt", change="add")).says("Done.").user("They are not served!")
    talk.event(model.FileEdit(path=f"{ROOT}/{name}", change="add", diff="+b"))
    talk.event(model.FileEdit(path=f"{ROOT}/src/rates.txt", change="delete"))
    assert ("Reverted" in under("Failed approaches", talk.says("Now they are."))) is counts

    talk.user("Sort them.").event(model.FileEdit(path=f"{ROOT}/{name}", change="modify", diff="-b\n+a"))
    assert ("Reverted" in under("Failed approaches", talk.says("Sorted."))) is counts


def test_what_was_reverted_stands_with_the_prompts_of_both_turns() -> None:
    talk = session("s1").user("Use floats.")
    for name in ("cart.py", "tax.py", "cap.py", "vat.py"):
        talk.event(model.FileEdit(path=f"{ROOT}/{name}", change="modify", diff="-cents\n+float"))
    talk.says("Done.").user("Cents, as I said!")
    for name in ("cart.py", "tax.py", "cap.py", "vat.py"):
        talk.event(model.FileEdit(path=f"{ROOT}/{name}", change="modify", diff="-float\n+cents"))
    [line] = section(talk.says("It is cents again."), title="Failed approaches")

    assert line == (
        "Reverted in turn 2 (“Cents, as I said!”, 1 min earlier): what turn 1 (“Use floats.”) had changed in "
        "cart.py, tax.py, cap.py and 1 more"
    )
    talk.event(model.FileEdit(path=f"{ROOT}/fee.py", change="modify", diff="-a\n+b")).user("No fee.")
    talk.event(model.FileEdit(path=f"{ROOT}/cart.py", change="modify", diff="-cents\n+float"))
    talk.event(model.FileEdit(path=f"{ROOT}/fee.py", change="modify", diff="-b\n+a"))
    assert "Reverted in turn 3 (“No fee.”): what turn 2 (“Cents, as I said!”) had changed in fee.py" in under(
        "Failed approaches", talk
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The registry wants a token. I build it from the sources instead.\n\nThat takes long.", "The registry wants"),
        ("No token here. I build it from the sources:", "No token here. I build"),
        ("Let me look at the registry:", ""),
    ],
)
def test_a_failure_keeps_what_the_agent_said_right_after(said: str, kept: str) -> None:
    talk = session("s1").user(GOAL).ran("pip install money", "ERROR: 401", status="error").says(said, final=False)
    [failure] = talk.ran("make").says("It is built.").digest.failures

    assert failure.words.startswith(kept) and (failure.words == "") == (kept == "")
    assert "takes long" not in failure.words and "built" not in failure.words
    twice = session("s2").user(GOAL).ran("make", "no", status="error").says("A rule is missing.", final=False)
    assert twice.says("I add it.").digest.failures[0].words == "A rule is missing."


def test_a_failure_that_stands_is_worth_more_than_a_line_of_the_same_names() -> None:
    talk = session("s1").user(GOAL).ran("make cap", "No rule.", status="error").ran("make lid", "No.", status="error")
    talk.ran("make lid").says("The lid is made.").user("And the rim.").edited("rim.py").says("It is there.")
    [failed] = [one.entries for one in handoff(talk).sections if one.title == "Failed approaches"]
    worth = {entry.text.partition("`")[2].partition("`")[0]: entry.alone for entry in failed}

    assert worth["make cap"] > worth["make lid"] == 0


def test_only_failures_since_the_last_success_count() -> None:
    talk = session("s1").user(GOAL).ran("make cap", "error: no rule", status="error").ran("make cap", "ok")
    talk.ran("make cap", "error: no rule", status="error").says("It fails again.")

    assert "make cap" in under("Failed approaches", talk)
    assert "times" not in under("Failed approaches", talk)
    talk.user("Again.").ran("make cap", "error: no rule", status="error").says("And again.")
    assert "2 times" in under("Failed approaches", talk)


@pytest.mark.parametrize(("turns", "stays"), [(1, True), (11, True), (12, False)])
def test_the_newest_failure_of_the_leading_session_stays_for_eleven_turns(turns: int, stays: bool) -> None:
    old = session("s0").user(GOAL).ran("make lid", "No rule.", status="error").says("It has none.")
    talk = session("s1").user("The cap.").ran("make rim", "No rim.", status="error")
    talk.ran("make cap", "No rule.", status="error").says("It has none.")
    for number in range(turns):
        talk.user(f"The tax of town {number}.").edited(f"tax{number}.py").says("Set.")
    [failed] = [one.entries for one in handoff(old, talk).sections if one.title == "Failed approaches"]
    fixed = {entry.text.partition("`")[2].partition("`")[0] for entry in failed if entry.rank is not None}

    assert fixed == ({"make cap"} if stays else set())


def test_what_failed_in_one_session_and_ran_in_the_next_is_no_failure() -> None:
    failed = session("s1").user(GOAL).ran("git fetch", "Could not resolve host", status="error").says("No network.")
    later = session("s2").user("Once more.")
    later.at_ms = failed.at_ms
    assert "git fetch" in under("Failed approaches", failed.ran("ls"), later.says("There is none."))

    assert "git fetch" not in under("Failed approaches", failed, later.user("Now?").ran("git fetch").says("Fetched."))


def test_where_sudo_is_not_there_its_program_in_another_command_solves_nothing() -> None:
    talk = session("s1").user(GOAL).ran("sudo apt-get install tcl", "bash: sudo: command not found", status="error")
    assert under("Failed approaches", talk.ran("apt-get check").says("Done.")).startswith("`sudo` (")
    assert "solved since" not in under("Failed approaches", talk)


@pytest.mark.parametrize(("failed", "ran"), [("timeout 60 make", "make"), ("make", "sudo make")])
def test_what_ran_in_the_next_session_as_another_user_or_for_longer_is_no_failure(failed: str, ran: str) -> None:
    talk = session("s1").user(GOAL).ran(failed, "No cap.", status="error").says("There is none.")
    later = session("s2").user("Once more.")
    later.at_ms = talk.at_ms
    assert "No cap." in under("Failed approaches", talk, later.ran("make lid").says("Done."))

    assert "No cap." not in under("Failed approaches", talk, later.user("Now?").ran(ran).says("Made."))


def test_of_two_long_commands_in_two_sessions_one_may_fail_and_the_other_run() -> None:
    commands = [f"make {'lid ' * 30}{part} {'lid ' * 30}" for part in ("cap", "rim")]
    failed = session("s1").user(GOAL).ran(commands[0], "No cap.", status="error").says("There is none.")
    later = session("s2").user("Once more.")
    later.at_ms = failed.at_ms

    assert "No cap." in under("Failed approaches", failed, later.ran(commands[1]).says("Done."))


@pytest.mark.parametrize(
    ("failed", "later", "solved"),
    [
        ("git pull --rebase && git push", "git stash && git pull --rebase && git stash pop && git push", True),
        ("git pull --rebase && git push", "git pull --rebase && git stash pop", False),
        ("git pull --rebase && git push", "git stash && git pull --rebase || git push", False),
        ("bash bin/cap.sh --all", "bin/cap.sh --all", True),
        ("bash bin/cap.sh --all", "bin/lid.sh --all", False),
        ("bin/cap.sh", "bash -x bin/cap.sh", True),
        ("bin/cap.sh", "bash -n bin/cap.sh", False),
    ],
)
def test_a_failure_is_solved_by_all_steps_of_its_chain_and_by_its_script_alone(
    failed: str, later: str, solved: bool
) -> None:
    talk = session("s1").user("Go on.").ran(failed, "error: no", status="error").user("And now?").ran(later, "ok")

    assert [failure.solved for failure in talk.digest.failures] == [solved]
