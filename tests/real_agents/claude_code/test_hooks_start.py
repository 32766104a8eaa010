"""What a session that starts is told through the hooks, and what it is not told."""

from __future__ import annotations

import shlex

import pytest

from carryover.distill.header import PLACEHOLDER
from real_agents.claude_code import hooked
from real_agents.claude_code.client import PROJECT, ClaudeBox
from real_agents.claude_code.hooked import EACH_VERSION, FAILING, FILES, GATES, LATEST_ONLY, QUESTION, READY, TASK
from real_agents.claude_code.requests import told
from real_agents.lab import product
from real_agents.lab.box import OUT
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

POINTER = "If `.carryover/handoff.md` exists in this project, read it before starting"
FOR_NO_PERSON = "If no person can answer (a non-interactive run, a sub-agent), skip this"


@EACH_VERSION
def test_a_sessions_work_is_in_the_handoff_that_it_leaves(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    hooked.do_the_work(claude)
    product.settle(claude.box)
    said = hooked.sections(hooked.handoff_file(claude))

    for title, lines in said.items():
        row.shown(f"{title}: {' / '.join(lines)}")
    assert TASK in said["Task"][0]
    assert "prices.py" in said["Recent files"][0]
    assert FAILING in " ".join(line for lines in said.values() for line in lines)
    assert any(QUESTION in line for line in said["Open questions"])


@EACH_VERSION
def test_a_new_session_is_given_the_handoff_once_and_nothing_of_another_project(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    hooked.do_the_work(claude)
    hooked.do_decoy_work(claude)
    product.settle(claude.box)
    left = hooked.handoff_file(claude)
    request = hooked.first_request(claude, "Hello")
    found = hooked.injected(request)

    row.shown(f"{len(found)} handoff(s), {len(found[0].splitlines()) if found else 0} lines in the first request")
    row.shown(f"words of the other project: {', '.join(hooked.decoys(request)) or 'none'}")
    assert [hooked.sections(text) for text in found] == [hooked.sections(left)]
    assert GATES["ask"] in hooked.protocol(found[0])
    assert hooked.decoys(request) == []


@LATEST_ONLY
def test_a_session_that_starts_the_moment_the_last_one_ended_is_given_all_of_it(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    last_words = f"The test of the pear fails. {QUESTION}"
    claude.script(*hooked.work(), last_words)
    one = f"{shlex.join(claude.client.command)} --permission-mode bypassPermissions -p"
    ran = claude.box.run("sh", "-c", f'{one} "$1" && {one} "$2"', "sh", TASK, "Hello", cwd=PROJECT)
    [handoff] = hooked.injected(claude.told())
    said = hooked.sections(handoff)

    row.shown(f"open questions: {' / '.join(said['Open questions'])}")
    assert (ran.code, ran.err) == (0, "")
    assert TASK in said["Task"][0]
    assert any(QUESTION in line for line in said["Open questions"])


@LATEST_ONLY
def test_the_users_agents_md_still_arrives(claude: ClaudeBox, row: Row) -> None:
    claude.make_project({**FILES, "AGENTS.md": "# Rules\nAGENTS-OF-ROOT\n"})
    hooked.with_hooks(claude)
    product.start_daemon(claude.box)
    requests = [hooked.first_request(claude, text) for text in (TASK, "Hello")]
    counts = [{word: text.count(word) for word in ("AGENTS-OF-ROOT", POINTER)} for text in requests]
    handoffs = [len(hooked.injected(text)) for text in requests]

    row.shown(f"first session: {counts[0]}, handoffs {handoffs[0]}; second: {counts[1]}, handoffs {handoffs[1]}")
    assert [count["AGENTS-OF-ROOT"] for count in counts] == [1, 1]
    assert counts[1][POINTER] == 1
    assert handoffs == [0, 1]


@EACH_VERSION
def test_the_first_session_of_a_project_finds_everything_in_place_and_is_given_nothing(
    claude: ClaudeBox, row: Row
) -> None:
    """A hook of the test's own copies the project when the first prompt is given, before its request is made."""
    hooked.start(claude)
    copy_at_prompt = {"type": "command", "command": "cp -a . /out/at-prompt 2>/dev/null || true"}
    hooked.with_hooks(claude, {"UserPromptSubmit": [{"hooks": [copy_at_prompt]}]})
    request = hooked.first_request(claude, TASK)
    then = claude.box.here(OUT / "at-prompt")
    ignored = (then / ".gitignore").read_text("utf-8") if (then / ".gitignore").exists() else ""

    row.shown(f"at the first prompt: {', '.join(sorted(path.name for path in then.iterdir() if path.name != '.git'))}")
    assert (then / ".carryover" / "handoff.md").read_text("utf-8") == PLACEHOLDER
    assert ".carryover" in ignored
    assert POINTER in (then / "AGENTS.md").read_text("utf-8")
    assert hooked.injected(request) == []
    assert "No prior session captured" not in request


@LATEST_ONLY
def test_a_second_start_without_a_prompt_changes_no_byte(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    files = [open_and_close(claude) for _ in range(2)]
    with hooked.terminal(claude) as terminal:
        terminal.wait(READY)
        terminal.enter("Hello")
        terminal.wait(r"OK\.")

    row.shown(f"after the first start: {', '.join(sorted(files[0]))}; after the second: the same {len(files[1])} files")
    assert files[0][".carryover/handoff.md"][0] == PLACEHOLDER.encode()
    assert files[1] == files[0]
    assert hooked.injected(claude.told()) == []


@pytest.mark.parametrize("mode", GATES)
@LATEST_ONLY
def test_a_person_sees_the_resume_protocol_in_the_first_response(claude: ClaudeBox, row: Row, mode: str) -> None:
    """The model of this row does what the text asks for; whether a real one does is not shown."""
    hooked.start(claude, f'[resume]\nmode = "{mode}"\n')
    hooked.do_the_work(claude)
    claude.script({"as_told": "The pear costs two coins now."})
    with hooked.terminal(claude) as terminal:
        terminal.wait(READY)
        terminal.enter("Hi")
        terminal.wait(r"(?s)❯ Hi.*●.*\n.*done")
        screen = terminal.screen()
    [handoff] = hooked.injected(told(claude.requests()[-1]))

    for line in [*hooked.protocol(handoff).splitlines(), *seen(screen)]:
        row.shown(f"| {line}")
    asked = "Do you want to continue from here, or are you starting something different?"
    assert f"# RESUME PROTOCOL: {mode}" in handoff
    assert [name for name, text in GATES.items() if text in hooked.protocol(handoff)] == [mode]
    response = " ".join(" ".join(seen(screen)).split())
    assert (asked in response) == (mode == "ask")
    assert (f"(resuming: {TASK}" in response) == (mode == "brief")


@LATEST_ONLY
def test_a_run_without_a_person_is_told_not_to_wait_for_one(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    hooked.do_the_work(claude)
    [handoff] = hooked.injected(hooked.first_request(claude, "Hello"))

    told_so = next(line for line in hooked.protocol(handoff).splitlines() if FOR_NO_PERSON in line)
    row.shown(told_so)
    assert "# RESUME PROTOCOL: ask" in handoff


def open_and_close(claude: ClaudeBox) -> dict[str, tuple[bytes, int]]:
    """One interactive start without a prompt; the project's files after it, with their times."""
    handoff = claude.box.here(PROJECT / ".carryover" / "handoff.md")
    with hooked.terminal(claude) as terminal:
        terminal.wait(READY)
        wait_until(handoff.exists)
        terminal.key("C-c")
        terminal.key("C-c")
        wait_until(lambda: "❯" not in terminal.screen())
    product.settle(claude.box)
    root = claude.box.here(PROJECT)
    found = [path for path in root.rglob("*") if path.is_file() and ".git" not in path.relative_to(root).parts]
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def seen(screen: str) -> list[str]:
    """The lines of a screen of 2.1.328 from the user's prompt to the end of the answer."""
    lines = screen[screen.rindex("❯ Hi") :].splitlines()
    end = next((at for at, line in enumerate(lines) if "· done" in line or line.startswith("────")), len(lines))
    return [line.rstrip() for line in lines[:end] if line.strip()]
