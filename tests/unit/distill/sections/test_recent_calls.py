"""What agents ran and read, as far as it says something to the next one."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from carryover import model
from carryover.distill.render import render
from carryover.distill.sections.recent_calls import call_entries
from carryover.model import Op
from support.conversation import GOAL, ROOT, Conversation, handoff, past, section, session, under, worked

LIDS = "A lid.\n" * 9


@pytest.mark.parametrize(
    ("command", "code", "end"),
    [
        ("ls /srv | rg cart", 1, "exit 1"),
        ("brew list | rg '^cart$'", 1, "exit 1"),
        ("ps -p 4711", 1, "exit 1"),
        ("git diff --no-index a b", 1, "exit 1"),
        ("rg '(' cart.py", 2, "error"),
    ],
)
def test_a_command_that_found_nothing_is_no_error(command: str, code: int, end: str) -> None:
    result = model.ToolResult(call_id="c", name="Bash", op="shell", status="error", subject=command, exit_code=code)
    talk = Conversation().user(GOAL).event(result).ran("make", "built").says("Done.")

    assert f"`{command}` → {end}" in render(handoff(talk))


def test_a_comment_in_a_command_stays_one() -> None:
    talk = Conversation().user(GOAL).ran("# Build the lids\nmake lids", "built").says("Done.")
    assert "`# Build the lids ¶ make lids`: built" in under("Recent files", talk)


def test_output_of_which_every_line_is_left_out_is_none() -> None:
    talk = Conversation().user(GOAL).ran("make all", "…\n…").says("Done.")
    assert "`make all`" in under("Recent files", talk) and "…" not in under("Recent files", talk)


def test_a_look_of_which_nothing_is_left_is_left_out_but_not_one_that_printed_nothing() -> None:
    listed = "total 24\n" + "\n".join(f"-rw-r--r-- 1 dev dev {at} Jan  1 09:00 part{at}.py" for at in range(9))
    talk = Conversation().user(GOAL).ran("ls -la /srv", listed).ran("git status --short").ran("ls -la /opt", "total 0")

    shown = under("Recent files", talk.ran("ls -la /mnt", f"{listed}\n/mnt is full").says("Done."))
    assert ("/srv" in shown, "/opt" in shown) == (False, False)
    assert "`git status --short`" in shown and "/mnt is full" in shown


def test_a_command_that_found_nothing_and_did_not_fail_says_so() -> None:
    talk = Conversation().user(GOAL).ran("find . -name 'lid*'").ran("git fetch --all").ran("tsc 2>&1 | tail -5")

    shown = render(handoff(talk.says("Done.")))
    assert "`find . -name 'lid*'` → no output | `git fetch --all` | `tsc 2>&1 | tail -5` → no output\n" in shown


@pytest.mark.parametrize(
    ("command", "is_shown"),
    [
        ("mkdir -p shop/lids shop/caps", False),
        (f"mkdir -p shop && cat > shop/lids <<'EOF'\n{LIDS}EOF", False),
        (f"cat <<'EOF' > shop/lids\n{LIDS}EOF", False),
        ("cat <<'EOF' > shop/lids\nA lid.\nEOF", True),
        ("mkdir -p shop && mv lids shop", True),
        (f"cat <<'EOF' | sudo tee /etc/lids\n{LIDS}EOF", True),
    ],
)
def test_a_folder_that_was_made_and_a_file_that_was_written_need_no_command(command: str, is_shown: bool) -> None:
    talk = Conversation().user(GOAL).ran(command, "").ran("make", "built")
    assert ("lids" in under("Recent files", talk)) is is_shown
    assert "lids" in under("Recent files", talk.ran(command, "made").ran("make", "built"))


def test_a_call_that_failed_stands_once_until_it_succeeds() -> None:
    talk = Conversation().user("Install it.").ran("pip install moneyed", "No matching version", status="error")
    assert "moneyed" in under("Failed approaches", talk) and "moneyed" not in under("Recent files", talk)
    talk.ran("pip install money", "ERROR: none of 0.3 to 1.4 fits\nERROR: No matching version", status="error")
    assert "none of 0.3 to 1.4 fits" in under("Recent files", talk), "that heading has the last reason alone"

    talk.ran("pip install moneyed", "Installed moneyed-3")
    assert "moneyed-3" in under("Recent files", talk)


def test_no_earlier_run_of_a_command_that_failed_twice_stands_once_it_succeeds_with_other_options() -> None:
    talk = Conversation().user("Build it.").ran("docker build -t till .", "ERROR: no lid\nlid.c: no", status="error")
    talk.ran("docker build -t till .", "ERROR: no cap\ncap.c: no", status="error")
    talk.ran("docker build --no-cache -t till .", "built")

    assert section(talk, title="Recent files") == ["`docker build --no-cache -t till .`: built"]


def test_what_the_last_call_printed_stays_when_a_prompt_has_followed_it_alone() -> None:
    talk = Conversation().user(GOAL).ran("gh pr list", "[]").says("None is open.", final=False)
    talk.ran("gh pr create --head cap", "https://git.example/pull/232").user("Why do you do that?")

    def is_fixed() -> bool:
        return next(entry.rank is not None for entry in call_entries(past(talk)) if "pull/232" in entry.text)

    assert is_fixed()
    talk.says("I shall look.", final=False)
    assert not is_fixed()

    talk = Conversation().user(GOAL).ran("gh pr create --head cap", "https://git.example/pull/232")
    talk.user("Why?").user("And why not?")
    assert not is_fixed(), "a turn has been between"

    talk = Conversation().user(GOAL).ran("gh pr create --head cap", "https://git.example/pull/232")
    talk.user("Why?").calls("ls")
    assert not is_fixed()
    talk = Conversation().user(GOAL).ran("gh pr create --head cap", "https://git.example/pull/232")
    talk.says("It is open.").user("Why?")
    assert not is_fixed()


def test_what_the_user_ran_after_the_answer_stays_until_the_agent_has_answered() -> None:
    """As with `! git push` in Claude Code: the agent has said nothing of it yet."""
    talk = Conversation().user(GOAL).ran("make all", "built").says("Now push it yourself.")
    call = model.ToolCall(call_id="u1", name="Bash", op="shell", subject="git push", actor="human")
    pushed = model.ToolResult(call_id="u1", name="Bash", op="shell", status="unknown", subject="git push")
    talk.event(call).event(replace(pushed, output="To git.example/shop: main -> main"))

    def is_fixed() -> bool:
        (line,) = [one for entry in call_entries(past(talk)) for one in entry.sources if "main -> main" in one.text]
        return line.rank is not None

    assert is_fixed()
    talk.says("It is pushed.")
    assert not is_fixed()


@pytest.mark.parametrize("printed", ["No matches found", "No files found", 'No matches found for pattern "x".', ""])
def test_a_search_that_found_nothing_is_not_told(printed: str) -> None:
    talk = Conversation().user(GOAL).ran("halfcent", printed, op="search", name="Grep").ran("make", "built")
    assert "Grep" not in under("Recent files", talk.says("Done."))


def test_of_the_runs_of_one_command_the_newest_stands() -> None:
    """What an earlier one printed was so then; one that failed and succeeded since has failed no more."""
    talk = Conversation().user(GOAL).ran("nvidia-smi", "0 % in use").ran("nvidia-smi", "97 % in use")
    talk.ran("npx add table", "A long reason.\nerror: timed out", status="error").ran("npx add table", "")
    talk.ran("make cap", "No rule.", status="error").ran("cd shop && make cap", "capped")
    talk.ran("cents", "cart.py:4: cents", op="search", name="Grep")
    talk.ran("cents", "bill.py:9: cents", op="search", name="Grep")
    files = under("Recent files", talk.says("Done."))

    assert "97 % in use" in files and "0 % in use" not in files.replace("97 % in use", "")
    assert "`npx add table`" in files and "timed out" not in files
    assert "capped" in files and "No rule" not in files
    assert "cart.py:4" in files and "bill.py:9" in files, "a search is known by its pattern alone"


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ('cd "C:\\\\dev\\\\shop" && make 2>&1 | tail -20', "cd C:\\\\dev\\\\shop && make", True),
        ("make | head -5", "make 2>&1 | tail -n 20", True),
        ("make | grep error", "make | grep warning", False),
        ("cd web && make", "cd api && make", False),
        ("cd /home/dev/one/shop && make", "cd /home/dev/two/shop && make", False),
    ],
)
def test_one_command_is_known_however_much_of_it_is_shown(before: str, after: str, is_same: bool) -> None:
    talk = session("s1").user(GOAL).ran(before, "Compilation failed").ran(after, "Nothing to do").says("It is built.")

    assert ("Compilation failed" in under("Recent files", talk)) is not is_same


def test_results_of_calls_are_there_as_far_as_there_is_room() -> None:
    note = "Warning: the old price list is in use"
    talk = session("s1").user(GOAL).ran("make deploy", f"{note}\nqueued as job-4711").ran("mix").ran("up")
    talk = talk.ran("rg -n cap src", f"{note}\nsrc/cart.py:12: cap").ran("", op="other", name="Wait")
    talk = talk.ran("", f"{note}\na timeout", op="other", name="TaskOutput").edited("cart.py")
    files = under("Recent files", talk.says("Done."))

    assert re.search("`make deploy` .*: … ¶ queued as job-4711 .*`mix` .*`up`", files.replace("\n", " "))
    there = (f"`TaskOutput`: {note} ¶ a timeout", "(turn 1): … ¶ src/cart.py:12: cap", "`cart.py`: edited")
    assert [text in files for text in (*there, "Wait")] == [True, True, True, False]


def test_the_output_of_the_newest_calls_is_kept_whole_and_of_older_ones_less_and_less() -> None:
    talk = session("s1").user(GOAL)
    for number in range(10):
        talk.ran(f"make part{number}", "built/" * 400)
    kept = [len(call.output) for call in talk.digest.calls]

    assert min(kept[-3:]) == len("built/" * 400)
    assert max(kept[2:-3]) <= 1600 < min(kept[-3:])
    assert max(kept[:2]) <= 320 < min(kept[2:])


def test_a_call_that_is_no_command_is_named_with_its_tool() -> None:
    talk = (
        session("s1")
        .user(GOAL)
        .ran("round(", "cart.py:12", op="search", name="Grep")
        .ran("make", "built")
        .says("It rounds.")
    )
    stands = render(handoff(talk))

    assert "Grep `round(`: cart.py:12" in stands
    assert "- `make`: built" in stands or "| `make`: built" in stands


def test_a_file_of_the_project_that_was_read_is_named_and_one_elsewhere_quoted() -> None:
    talk = worked().user("Why is it slow?").ran(f"{ROOT}/price.py", "the okapi of the file", op="read", name="Read")
    talk.ran("/tmp/run.log", "the zebra of the log", op="read", name="Read").says("I see.")
    text = render(handoff(talk))

    assert "Files in play: price.py" in text
    assert ("okapi" in text, "zebra" in text) == (False, True)


def test_a_change_of_which_no_end_is_recorded_stands_with_the_changed_files_alone() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").ran("make", "built")
    for path in ("cart.py", "bill.py"):
        talk.ran(f"{ROOT}/{path}", op="edit", name="Retouch", status="unknown")
    files = under("Recent files", talk.says("Done."))

    assert "`cart.py`: edited" in files and "Retouch `cart.py`" not in files
    assert "Retouch `bill.py` → no result" in files


@pytest.mark.parametrize(("first", "fewer"), [('[{"id": 0},', True), ('{"total": 0,', True), ("[0] no total", False)])
def test_of_json_little_is_shown(first: str, fewer: bool) -> None:
    rest = (f'{{"id": {number}, "of": "a cart that has {number} pears and is not empty"}},' for number in range(1, 60))
    talk = Conversation().user(GOAL).ran("make carts", "\n".join((first, *rest))).says("Done.")

    assert (under("Recent files", talk).count(" pears ") < 20) is fewer


def test_of_a_stack_only_the_innermost_frames_are_shown_and_named() -> None:
    frames = [f"\tat org.shop.Cart{step}.total{step}(Cart{step}.java:{step})" for step in range(40)]
    printed = "\n".join(("no cents in this cart", *frames, "Run with --info to see more."))
    talk = session("s1").user(GOAL).ran("make jar", printed, status="error").edited("cart.py")

    shown = under("Recent files", talk.ran("make jar", printed, status="error"))
    assert "at org.shop.Cart1.total1(Cart1.java:1) ¶ … ¶ Run with --info to see more." in shown
    assert "Cart2" not in shown
    assert "→ no cents in this cart ¶ Run with --info to see more." in under("Failed approaches", talk)


@pytest.mark.parametrize(
    ("command", "is_shown"),
    [
        ("sed -n '1,80p' cart.py", False),
        ("cd src && nl -ba cart.py | sed -n '280,760p'; head -n 20 ../bill.py 2>/dev/null", False),
        (f"cat {ROOT}/cart.py", False),
        ("Get-Content -Path src\\cart.py -TotalCount 300 | Select-Object -First 9", False),
        ("cat plan.md", True),
        ("cat cart.py plan.md", True),
        ("cat /etc/hosts", True),
        ("cat ../other/cart.py", True),
        ("Get-Content C:\\other\\cart.py", True),
        ("cat ~/.zshrc", True),
        ("cat .git/config", True),
        ("cat $(which cart)", True),
        ("cat cart.py | sort", True),
        ("cat cart.py && git status", True),
        ("cat", True),
    ],
)
def test_the_code_that_a_command_read_in_the_project_is_there_to_read_again(command: str, is_shown: bool) -> None:
    """Codex reads by commands alone. What it read of a document says more than pieces of code."""
    talk = Conversation().user(GOAL).ran(command, "def total(): return 1").says("Done.")

    assert ("def total" in render(handoff(talk))) == is_shown


def test_of_what_git_reports_of_a_commit_its_files_and_advice_are_left_out() -> None:
    advice = (
        " Committer: dev <dev@till>\nYour name and email address were configured automatically based\non your host.\n\n"
        "    git config --global --edit\n\nAfter doing this, you may fix the identity with:\n\n"
        "    git commit --amend --reset-author\n\n"
    )
    report = " 2 files changed, 9 insertions(+)\n create mode 100644 cart.py\n rename a.py => b.py (90%)"
    talk = Conversation().user(GOAL)
    talk.ran('git commit -m "Add carts" && make', f"[main 1234567] Add carts\n{advice}{report}\nbuilt in 2 s")
    text = under("Recent files", talk)

    assert "[main 1234567] Add carts ¶ 2 files changed, 9 insertions(+) ¶ built in 2 s" in text


def test_a_command_that_could_not_read_a_file_of_the_project_is_told() -> None:
    talk = Conversation().user(GOAL).ran("cat cart.py", "cat: cart.py: No such file", status="error").says("Done.")

    assert "No such file" in render(handoff(talk))


@pytest.mark.parametrize(
    ("command", "op", "is_again"),
    [
        ("rg total src", "shell", True),
        ("ls src | wc -l; make", "shell", False),
        ("make", "shell", False),
        ("cat plan.md", "shell", False),
        ("/srv/plan.md", "read", False),
        ("/srv/cart.py", "read", True),
        ("/srv/plan.md", "search", True),
    ],
)
def test_what_a_command_only_looked_at_can_be_looked_at_again_but_documents_say_more(
    command: str, op: Op, is_again: bool
) -> None:
    talk = Conversation().user(GOAL).ran(command, "12 totals", op=op).says("Done.")

    assert [entry.again for entry in call_entries(past(talk))] == [is_again]


@pytest.mark.parametrize(("printed", "is_again"), [("3 passed in 0.1s", True), ("1 failed, 2 passed in 0.1s", False)])
def test_the_output_of_tests_that_passed_is_worth_as_little(printed: str, is_again: bool) -> None:
    talk = Conversation().user(GOAL).ran("pytest -q", f"test_cart.py ...\n{printed}", status="ok").says("Done.")

    assert [entry.again for entry in call_entries(past(talk))] == [is_again]


def test_a_line_that_several_short_calls_share_can_be_looked_at_again_if_all_can() -> None:
    talk = Conversation().user(GOAL)
    for command, is_again in (("ls src", True), ("wc cart.py", True), ("make", False), ("ls docs", False)):
        [entry] = call_entries(past(talk.ran(command, "12 totals")))
        assert entry.again == is_again


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (f"cd {ROOT} && make all", "make all"),
        (f'cd "{ROOT}/"; make all', "make all"),
        (f"cd {ROOT}/web && make all", "cd web && make all"),
        (f"cd {ROOT}/web// && make all", "cd web// && make all"),
        (f"cd {ROOT}//web && make all", "cd web && make all"),
        (f'cd "{ROOT}/my web" && make all', 'cd "my web" && make all'),
        (f"cd {ROOT}/my\\ web && make all", "cd my\\ web && make all"),
        (f"cd {ROOT}-old && make all", f"cd {ROOT}-old && make all"),
        ("cd .. && make all", "cd .. && make all"),
        ("cd / && make all", "cd / && make all"),
        (f'cd "{ROOT}; x" && make all', f'cd "{ROOT}; x" && make all'),
    ],
)
def test_a_command_stands_as_it_is_given_in_the_projects_folder(command: str, shown: str) -> None:
    talk = Conversation().user(GOAL).ran(command, "built").says("Done.").user("Again.").calls(command)
    talk.event(model.BackgroundTask(task_id="b1", state="running", label=command))

    assert f"`{shown}`: built" in under("Recent files", talk)
    assert f"In flight, no result recorded: `{shown}`" in under("Where it stands", talk)
    assert f"started in the background, no end recorded: “{shown}”" in render(handoff(talk))


def test_a_script_stands_as_it_is_given_in_the_projects_folder() -> None:
    script = f"cd {ROOT}\nmake all\n\n  ls"
    talk = Conversation().user(GOAL).ran(script, "built").says("Done.").user("Again.").calls(script)

    assert "`make all ¶ ls`: built" in under("Recent files", talk)
    assert "In flight, no result recorded: `make all ¶ ls`" in under("Where it stands", talk)

    talk.ran(f"cd {ROOT} && \\\n  make lid", "made")
    assert "`make lid`: made" in under("Recent files", talk)


def test_a_sub_agent_that_has_reported_is_not_listed_as_only_begun() -> None:
    talk = Conversation().user(GOAL)
    for place in ("shop", "till"):
        talk.ran(f"Check the {place}", "", name="Agent", op="agent")
    label = 'Agent "Check the shop" completed'
    report = model.BackgroundTask(task_id="a1", state="done", label=label, report="Two are wrong.")
    recent = under("Recent files", talk.event(report).says("Done."))

    assert "Two are wrong." in recent
    assert "Agent `Check the till`" in recent
    assert "Agent `Check the shop`" not in recent
