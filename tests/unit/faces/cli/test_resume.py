from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
from contextlib import chdir, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carryover.agents import specs
from carryover.config import load_config
from carryover.errors import ExitCode
from carryover.fsio import private_dir
from carryover.past.context import state_dir
from carryover.past.without_daemon import catch_up
from carryover.projects.policy import LET_IN
from carryover.publish.project_files import withdraw_everywhere
from support.agent_here import only_this_path
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.repository import git, repository
from support.terminal import CTRL_C, DOWN, ENTER, ESCAPE, played
from support.tools import program

SESSION = "0abc0000-0000-4000-8000-000000000000"
SAYS = 'for word in "$PWD" "$@"; do echo "$word"; done'
"""A command that prints the folder it stands in and its arguments, a line each."""


@pytest.fixture
def below(home: Path, only_home: None) -> Path:
    """A folder below a project, in which a session of Claude Code began; its command is here."""
    program(home / "bin" / "claude", SAYS)
    project = repository(home / "shop", {"web/page.html": "<p>\n"})
    began(project, project / "web")
    return project / "web"


@pytest.fixture
def claude_here(home: Path, only_home: None) -> Path:
    return program(home / "bin" / "claude", SAYS)


def began(project: Path, folder: Path) -> None:
    """A session of Claude Code began in a folder of the project, and is recorded."""
    projects = Path.home() / ".claude" / "projects"
    ClaudeSession(projects, folder, session=SESSION).prompt("Add a login page to the web shop.")
    private_dir(state_dir().root)
    catch_up(str(project))


def test_the_command_is_the_agents_own_in_the_folder_that_the_session_began_in(
    below: Path, home: Path, run: Run
) -> None:
    line = f"cd {below} && claude --resume {SESSION}\n"
    assert run.out("resume", "0abc") == line
    assert "there is no terminal here" in run.err(ExitCode.REFUSED, "resume", SESSION, "--run")

    (home / "bin" / "claude").unlink()
    missing = "There is no `claude` command on PATH or in the usual places.\n"
    assert run("resume", SESSION) == (ExitCode.OK, line, missing)

    shutil.rmtree(below.parent)
    advice = f"`carryover to AGENT --session {SESSION}` carries on in another agent."
    assert advice in run.err(ExitCode.NOTHING_FOUND, "resume", SESSION)


@pytest.mark.parametrize("session", ["--yolo", "$(touch x)", "a;b", "a\nb"])
def test_an_id_that_no_agent_gives_is_never_part_of_a_command(session: str, below: Path, home: Path, run: Run) -> None:
    other = repository(home / "other", {"a.py": "1\n"})
    planted = CodexSession(home / "given", other, session=session)
    planted.path = home / "given.jsonl"
    planted.prompt("Add a logout page to the web shop.")
    assert run("import", str(planted.path))[0] == ExitCode.OK

    with chdir(other):
        err, handoff = run.err(ExitCode.REFUSED, "resume", "last"), run("handoff")[1]

    assert "is not one that Codex gives, so its command is not printed" in err
    safe = "a" if session.startswith("a") else "ID"
    assert f"`carryover to AGENT --session {safe}` carries on in another agent." in err
    assert "Add a logout page" in handoff and f"Full history: `carryover show {safe}`;" in handoff


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb", "a\u202egpj", "-x it's"])
def test_the_printed_folder_is_the_sessions_whatever_its_name_holds(
    name: str, home: Path, claude_here: Path, run: Run
) -> None:
    project = repository(home / name, {"a.py": "1\n"})
    began(project, project)

    out = run.out("resume", SESSION)

    assert (out.count("\n"), out[:-1].isprintable()) == (1, True)
    shown = subprocess.run(["bash", "-c", f"{out.partition(' && ')[0]} && pwd"], capture_output=True, check=True).stdout
    assert shown == os.fsencode(f"{project}\n")


def test_in_a_terminal_it_is_run_there(below: Path) -> None:
    code, text = played([*CARRYOVER, "resume", SESSION, "--run"])

    assert (code, text.splitlines()[1:]) == (ExitCode.OK, [str(below), "--resume", SESSION])


REST_OF_ID = "abc0000-0000-4000-8000-000000000000"
PARSER = "Write a parser for the price list in prices.py, with tests for empty lines."
LOGIN = "Add a login page to the web shop; the form goes into login.html."


@pytest.fixture
def two_tasks(home: Path, claude_here: Path) -> Path:
    """Two unrelated tasks were worked on, the login page last; an agent that can be started is here."""
    project = repository(home / "shop", {"prices.py": "PRICES = {}\n"})
    for number, task in enumerate((PARSER, LOGIN)):
        now = datetime.now(UTC) - timedelta(minutes=20 - 10 * number)
        session = ClaudeSession(home / ".claude" / "projects", project, session=f"{number}{REST_OF_ID}", now=now)
        session.prompt(task)
        session.answer("I have begun with it. Next I write the file itself.")
    private_dir(state_dir().root)
    catch_up(str(project))
    return project


def task_in(text: str) -> str:
    """The first prompt under the heading, without what says whose and when it was."""
    return text.partition("## Task\n- ")[2].partition("\n")[0].partition(": ")[2]


def test_the_last_other_agent_that_worked_here_or_the_only_one_is_meant_by_a_dash(
    two_tasks: Path, home: Path, run: Run
) -> None:
    to = ("to", "-", str(two_tasks))
    run.err(ExitCode.NOTHING_FOUND, *to)
    program(home / "bin" / "gemini", "exit 0")
    assert "&& gemini " in run.out(*to)
    program(home / "bin" / "codex", "exit 0")
    several = "These can be started here: claude-code, codex, gemini-cli. Name one: `carryover to AGENT`."
    assert several in run.err(ExitCode.NOTHING_FOUND, *to)
    codex = CodexSession(home / ".codex", two_tasks, now=datetime.now(UTC) - timedelta(hours=1))
    codex.prompt("Write the README.")
    codex.answer("It is written.")
    assert "&& codex " in run.out(*to)
    codex = CodexSession(home / ".codex", two_tasks, now=datetime.now(UTC))
    codex.prompt("Read .carryover/handoff.md, then go on.")
    codex.answer("I have read it.")
    assert "&& claude " in run.out(*to), "Codex was started since, though the handoff leads with Claude Code's work"
    limited = ClaudeSession(home / ".claude" / "projects", home / "blog", now=datetime.now(UTC))
    limited.prompt("Write a post.")
    limited.limit()
    catch_up(str(home / "blog"))
    assert "&& gemini " in run.out(*to), "a limit that Claude Code reached elsewhere holds here too"


def test_where_no_agent_can_be_started_a_dash_does_not_ask_to_name_one(shop: Path, run: Run) -> None:
    err = run.err(ExitCode.NOTHING_FOUND, "to", "-", str(shop))

    assert f"No agent that takes a first prompt is here. `carryover handoff --copy {shop}`" in err
    assert "AGENT" not in err


def test_at_a_limit_the_handoff_names_only_agents_that_were_found_here(two_tasks: Path, home: Path, run: Run) -> None:
    limited = ClaudeSession(home / ".claude" / "projects", two_tasks, session=f"7{REST_OF_ID}", now=datetime.now(UTC))
    limited.prompt("Round the tax.")
    limited.limit()
    handoff, to = ("handoff", str(two_tasks)), ("to", "-", str(two_tasks))

    assert "; for the user: `carryover to AGENT` continues elsewhere" in run.out(*handoff)
    program(home / "bin" / "gemini", "exit 0")
    assert "&& gemini " in run.out(*to), "it can be started, though it left nothing here"
    codex = CodexSession(home / ".codex", two_tasks, now=datetime.now(UTC) - timedelta(hours=1))
    codex.prompt("Write the README.")
    codex.answer("It is written.")
    assert "; for the user: `carryover to codex` continues elsewhere" in run.out(*handoff)
    program(home / "bin" / "codex", "exit 0")
    with chdir(two_tasks):
        here = "These can be started here: codex, gemini-cli, claude-code (at its usage limit)."
        assert here in run.err(ExitCode.USAGE, "to")
        assert re.search(
            r"» Codex .*\n.*Gemini CLI .*\n.*Claude Code .*at its usage limit",
            played([*CARRYOVER, "to"], ("continue?", "q"))[1],
        )
    state_dir().config.write_text('[agents]\nselected = ["claude-code", "gemini-cli", "aider"]\n')
    assert "; for the user: `carryover to aider` (or gemini-cli) continues elsewhere" in run.out(*handoff)


def test_agents_are_offered_whatever_became_of_the_ledger(shop: Path, home: Path, run: Run) -> None:
    program(home / "bin" / "codex", "exit 0")
    state_dir().root.mkdir(mode=0o700)
    state_dir().ledger.write_bytes(b"no database" * 1_000)

    with chdir(shop):
        assert "These can be started here: codex" in run.err(ExitCode.USAGE, "to")


@pytest.mark.parametrize(
    "order", ["to claude --session 0abc DIR", "to claude DIR --session 0abc", "handoff DIR --to claude --session 0abc"]
)
def test_another_agent_gets_the_chosen_work_and_the_projects_own_handoff_stays(
    two_tasks: Path, run: Run, order: str
) -> None:
    out = run.out(*(str(two_tasks) if word == "DIR" else word for word in order.split()))

    assert out.startswith(f"cd {two_tasks} && claude 'Read .carryover/handoff-chosen.md, then go on")
    chosen, usual = (two_tasks / ".carryover" / name for name in ("handoff-chosen.md", "handoff.md"))
    assert (task_in(chosen.read_text()), task_in(usual.read_text())) == (PARSER, LOGIN)
    assert chosen.stat().st_mode & 0o777 == 0o600
    assert run("to", "claude", "--session", "0abc", str(two_tasks), "more")[0] == ExitCode.USAGE


def test_a_session_of_another_project_is_never_handed_over(two_tasks: Path, home: Path, run: Run) -> None:
    other = repository(home / "other")
    session = ClaudeSession(home / ".claude" / "projects", other, session=f"9{REST_OF_ID}")
    session.prompt("Rewrite the manual of the other one.")
    catch_up(str(other))

    err = run.err(ExitCode.NOTHING_FOUND, "handoff", str(two_tasks), "--session", "9abc")

    assert f"Session 9{REST_OF_ID} belongs to {other}; name that project." in err


FORMS = {spec.start.arguments("sentence", "file"): spec for spec in specs() if spec.start is not None}
"""An agent for each form of arguments."""
REST = ", then go on with the task it describes. You need not ask whether to continue: the answer is yes."
HANDOFF = ".carryover/handoff.md"
SENTENCE = f"Read {HANDOFF}{REST}"


@pytest.fixture
def only_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_path(home, monkeypatch)


@pytest.mark.usefixtures("only_home")
def test_the_command_is_one_line_that_a_shell_runs_in_the_project(recorded: Path, home: Path, run: Run) -> None:
    for spec in FORMS.values():
        assert spec.start is not None
        program(home / "bin" / spec.binaries[0], SAYS)

        out = run.out("to", spec.id, str(recorded))

        arguments = spec.start.arguments(SENTENCE, HANDOFF)
        assert out == f"cd {recorded} && {shlex.join((spec.binaries[0], *arguments))}\n"
        assert run_by_shell(out) == [str(recorded), *arguments]


def run_by_shell(line: str) -> list[str]:
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, cwd="/").stdout.splitlines()


def test_the_handoff_is_put_into_the_project_first(shop: Path, claude_here: Path, run: Run) -> None:
    assert not (shop / ".carryover").exists()

    run("to", "claude-code", str(shop))

    handoff = shop / ".carryover" / "handoff.md"
    # Git, which may not answer each time, has a say in the lines above and below.
    written, printed = (
        text.partition("\n## Task\n")[2].partition("\n## ")[0]
        for text in (handoff.read_text(), run("handoff", str(shop))[1])
    )
    assert written == printed != ""
    assert handoff.stat().st_mode & 0o777 == 0o600
    assert ".carryover/" in (shop / ".git" / "info" / "exclude").read_text()
    assert str(shop) in (state_dir().root / "journal.jsonl").read_text()  # by which uninstall finds it


def test_why_no_handoff_is_put_into_a_project_is_said_once(shop: Path, claude_here: Path, run: Run) -> None:
    (shop / ".git" / "info" / "exclude").unlink()
    (shop / ".git" / "info" / "exclude").mkdir()
    assert "Nothing is written into" in run("handoff", str(shop))[2]

    err = run.err(ExitCode.REFUSED, "to", "claude-code", str(shop))
    assert err.startswith(f"carryover: No handoff is put into {shop}: ") and err.count("\n") == 1

    run("pause")
    err = run.err(ExitCode.REFUSED, "to", "claude-code", str(shop))
    assert err.startswith("carryover: Carryover is paused, so ") and err.count("\n") == 1


def test_it_is_put_where_git_takes_none_along_any_more(shop: Path, claude_here: Path, run: Run) -> None:
    (shop / ".gitignore").write_text("!.github\n")
    (shop / ".git" / "info" / "exclude").write_text(".carryover/\n")
    private_dir(state_dir().root)
    catch_up(str(shop))
    with closing(sqlite3.connect(state_dir().ledger)) as db, db:
        db.execute("UPDATE project SET refusal = ?", (LET_IN,))

    run.out("to", "claude-code", str(shop))

    assert (shop / ".carryover" / "handoff.md").exists()


def test_a_second_page_that_the_handoff_names_is_put_beside_it(shop: Path, claude_here: Path, run: Run) -> None:
    assert "more.md" not in (printed := run.out("handoff", str(shop))), "there is no such file"
    assert "; `carryover handoff --tokens 8000`: " in printed
    run("to", "claude-code", str(shop))

    page = shop / ".carryover" / "more.md"
    assert "`.carryover/more.md`" in run.out("handoff", str(shop))
    assert "`.carryover/more.md`" in page.with_name("handoff.md").read_text()
    assert "## Conversation" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600


def test_a_path_with_blanks_and_quotes_is_quoted_for_the_shell(
    shop: Path, home: Path, claude_here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARRYOVER_HOME", f"{home}/it's mine")
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text('[publish]\npointers = "off"\n')

    folder, prompt = run_by_shell(run("to", "claude-code", str(shop))[1])

    path = Path(prompt.removeprefix('Read "').removesuffix(f'"{REST}'))
    assert (folder, path.parent.parent) == (str(shop), home / "it's mine" / "handoffs")
    assert path.read_text().startswith("# [CARRYOVER]")
    assert not (shop / ".carryover").exists()


def test_where_no_file_may_be_written_it_is_handed_over_in_one_that_only_the_owner_reads(
    shop: Path, claude_here: Path, run: Run
) -> None:
    repository(state_dir().root.parent)
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text('[publish]\npointers = "off"\n')

    for arguments in ([], ["--session", "last"]):
        _, prompt = run_by_shell(run("to", "claude-code", str(shop), *arguments)[1])
        path = Path(prompt.removeprefix("Read ").removesuffix(REST))
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)]
        assert (path.name, modes) == ("handoff-chosen.md", [0o600, 0o700])
        assert git(state_dir().root.parent, "check-ignore", str(path)) == f"{path}\n"
        withdraw_everywhere(state_dir().root, load_config(state_dir().config))
        assert path.exists(), "the agent may not have read it yet"

    catch_up(str(shop))
    run.out("forget", "--project", str(shop), "--yes")
    assert not path.exists()


@pytest.mark.usefixtures("only_home")
@pytest.mark.parametrize(
    ("agent", "code", "words"),
    [
        ("claude-code", ExitCode.NOTHING_FOUND, "no `claude` command"),
        ("windsurf", ExitCode.REFUSED, "can't start Windsurf with a first prompt"),
        ("my-agent", ExitCode.REFUSED, "can't start my-agent with a first prompt"),
    ],
)
def test_an_agent_that_cannot_be_started_is_reported_with_the_way_out(
    shop: Path, run: Run, agent: str, code: ExitCode, words: str
) -> None:
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text('[[sources]]\nagent = "my-agent"\nfiles = ["~/mine/*.jsonl"]\n')

    err = run.err(code, "to", agent, str(shop))

    assert words in err and f"`carryover handoff --copy {shop}` puts the handoff on the clipboard" in err
    assert not (shop / ".carryover").exists()
    (shop / ".carryover").mkdir()
    (shop / ".carryover" / "handoff.md").touch()
    in_editor = 'In an editor say "read .carryover/handoff.md". '
    assert in_editor not in err and in_editor in run.err(code, "to", agent, str(shop))


def test_an_excluded_project_is_not_handed_over_in_any_way(shop: Path, claude_here: Path, run: Run) -> None:
    (shop / ".carryover.toml").write_text("exclude = true\n")

    for arguments in (["handoff"], ["to", "claude-code"], ["handoff", "--copy"]):
        err = run.err(ExitCode.REFUSED, *arguments, str(shop))
        assert "excluded by the project's own .carryover.toml" in err


@pytest.mark.usefixtures("only_home")
def test_the_handoff_goes_to_the_clipboard_and_into_no_file(
    shop: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(home / "bin" / "xclip", f"cat > '{home}/taken'")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    said = f"The handoff of {shop} is on the clipboard (xclip). Paste it as the first prompt of the next agent.\n"
    assert run.out("handoff", str(shop), "--copy") == said
    assert (home / "taken").read_text() == run("handoff", str(shop))[1]
    assert not (shop / ".carryover").exists() and not os.path.lexists(state_dir().root)


def test_without_a_name_the_newest_session_is_resumed_and_agents_are_offered(
    two_tasks: Path, home: Path, run: Run
) -> None:
    program(home / "bin" / "codex", "exit 0")
    (home / "answer.txt").write_text("Use a trie.\n")
    run.out("note", str(home / "answer.txt"), "--project", str(two_tasks))  # which no agent resumes
    with chdir(two_tasks):
        assert f"claude --resume 1{REST_OF_ID}\n" in run("resume")[1], "the newest"
        assert "Name the agent. These can be started here: claude-code, codex." in run.err(ExitCode.USAGE, "to")
        # As a handoff has it at a usage limit, where it knows no other agent here.
        assert run.err(ExitCode.USAGE, "to", "AGENT") == run.err(ExitCode.USAGE, "to")


def test_outside_of_a_project_no_session_of_another_is_resumed(two_tasks: Path, run: Run) -> None:
    with chdir("/"):
        said = run.err(ExitCode.NOTHING_FOUND, "resume")

    assert "No session is recorded for /." in said
    assert "abc0000" not in said


def test_without_a_name_nothing_is_offered_where_nothing_is(home: Path, only_home: None, run: Run) -> None:
    assert "No agent that takes a first prompt is here. `carryover" in run.err(ExitCode.NOTHING_FOUND, "to")


def test_on_a_terminal_what_is_here_can_be_picked(two_tasks: Path, home: Path) -> None:
    program(home / "bin" / "codex", SAYS)
    with chdir(two_tasks):
        which = "In which agent do you want to continue?"
        code, text = played([*CARRYOVER, "to"], (which, DOWN), ("", ENTER))
        assert code == ExitCode.OK and "&& codex " in text


def test_agents_that_can_be_picked_fit_a_narrow_terminal(two_tasks: Path, home: Path) -> None:
    program(home / "bin" / "codex", SAYS)
    with chdir(two_tasks):
        _, text = played([*CARRYOVER, "to"], ("continue?", ENTER), columns=40)

    assert "» Claude Code  claude-code\n" in text
    assert "continue?" in text and "(arrows, enter; esc leaves)" in text, "neither is broken in a word"


@pytest.mark.parametrize("key", [ESCAPE, "q", CTRL_C])
def test_a_question_can_be_left_without_starting_an_agent(two_tasks: Path, home: Path, key: str) -> None:
    program(home / "bin" / "codex", SAYS)
    with chdir(two_tasks):
        code, text = played([*CARRYOVER, "to"], ("In which agent do you want to continue?", key))
        assert (code, text.endswith("carryover: No agent was started.\n")) == (ExitCode.INTERRUPTED, True)
