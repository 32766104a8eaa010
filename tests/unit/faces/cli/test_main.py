from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from carryover.errors import ExitCode
from carryover.faces.cli.arguments import MEANING, agents_in_list, moment_ms
from carryover.faces.cli.help import SHELLS
from carryover.faces.cli.main import COMMANDS, build_parser
from carryover.past.context import state_dir
from support.forked import CARRYOVER
from support.recorded_shop import CHECKOUT, Run
from support.tools import needs_setpriv, without_rights_of_root

ran = partial(subprocess.run, stderr=subprocess.PIPE, text=True, timeout=60)
SLOW_TO_IMPORT = ("aiohttp", "aiosqlite", "asyncio", "git", "questionary", "tree_sitter", "watchfiles")
FOR_FEW = (
    *("dataclasses", "html", "inspect", "pkgutil", "shutil", "subprocess", "typing_extensions"),
    *("carryover.daemon.health", "carryover.probe.git_command", "carryover.testruns.reading", "carryover.text.shell"),
)
"""What starts git, reads commands and tests' output or asks the daemon, what such modules are made with, and
what msgspec would bring along."""


def test_without_a_command_or_a_terminal_the_sessions_of_this_project_or_else_all_are_listed(
    recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = "No session is recorded for this folder: the newest of all are listed.\n"
    for folder, options, said in ((recorded, (), ""), (home.parent, ("--all",), note), (home, ("--all",), "")):
        monkeypatch.chdir(folder)
        code, out, err = run("sessions", *options)

        assert code == ExitCode.OK and CHECKOUT[:8] in out
        assert run() == (code, out, err + said), "the warning is said once, too"


def test_a_first_look_before_an_install_reads_only_the_newest_files(
    shop: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setattr("carryover.faces.cli.sessions.FIRST_LOOK_BYTES", 1)

    alone, whole = run()[1], run("sessions", "--all")[1]

    assert (len(alone.splitlines()), len(whole.splitlines())) == (2, 3), "the heads, and the sessions"
    assert not (home / ".carryover").exists()


def test_without_a_command_a_terminal_or_a_session_it_is_said_that_there_is_none(home: Path, run: Run) -> None:
    assert "No session is recorded anywhere. `carryover status`" in run.err(ExitCode.NOTHING_FOUND)


USAGE = {
    "unheard-of": "there is no command 'unheard-of'; `carryover help` lists all",
    "-v": "unrecognized arguments: -v; `carryover --help` says what it takes\n",
    "start nothing": "unrecognized arguments: nothing; `carryover start --help` says what it takes\n",
    "stat": "did you mean 'status'?",
    "sessions --limt 3": "did you mean '--limit'?",
    "forget --session last": "unrecognized arguments: --session; a session is named without --session here",
    "--dry-run forget --all --yes": "unrecognized arguments: --dry-run; options of `carryover forget` follow it\n",
    "search cart --al": "unrecognized arguments: --al; did you mean '--all'?",
    "log --project=.": "unrecognized arguments: --project=.; a project is named without --project here",
    "usage .": "unrecognized arguments: .; a project is named by --project DIR here",
    "to codx": "did you mean 'codex'?",
    "codex": "there is no command 'codex'; did you mean 'to codex'?",
    "install --pointers shred": "did you mean 'shared'?",
    "sync inti": "did you mean 'init'?",
    **dict.fromkeys(("handoff --until 3", "handoff --agent claude"), "--agent and --until need --transcript FILE."),
    "handoff --transcript a.jsonl .": "or else --transcript FILE.",
    "handoff --transcript a.jsonl --until x": "must be a number of at least 1",
    "handoff --to codex --until 3": "--copy and --to cannot be combined",
    "export --for nobody": "invalid choice: 'nobody'",
    "export --budget 999": "must be a number of at least 1,000",
    "export --session last --question x": "--session can't be combined with",
    "export --session last --budget 4000 -o x": "--session can't be combined with",
    "export --full": "need --session ID.",
    "export --yes": "--yes needs --copy or -o FILE.",
    "export --copy -o x": "Give --copy alone",
    "forget --yes": "Say what to forget: an ID, --project DIR or --all; or a time",
    "forget --all --since 1d": "Say what to forget: an ID, --project DIR or --all; or a time",
    "forget --since soon": "'soon' is not a date or time",
    "forget --since 1h --until 2h": "--since must be before --until",
    "link a": "Name its present folder too: `carryover link a .` if you are in it.",
    "link a b --undo": "--undo takes only the former folder.",
    "search -- ?!": "has no letter and no digit",
    **dict.fromkeys(("show --turn=5-3", "show --turn=-1"), "names no turn; write 3, or 3-5"),
    "sync --name laptop": "--name is for init",
    "completions": "Name the shell: bash, zsh, fish.",
    "help statsu": "did you mean 'status'?",
    **dict.fromkeys(("page", "look", "web", "Web", "browser", "help page"), "did you mean 'ui'?"),
}


@pytest.mark.parametrize("line", USAGE)
def test_what_cannot_be_meant_is_a_usage_error_that_says_why(line: str, run: Run) -> None:
    err = run.err(ExitCode.USAGE, *line.split())

    assert USAGE[line] in err and "?." not in err


def test_json_may_stand_before_the_command(recorded: Path, run: Run) -> None:
    for line in ("sessions --all", "ls --all --limit 1", "config", "search --all -- discount"):
        code, out, _ = run("--json", *line.split())
        assert (code, bool(json.loads(out))) == (ExitCode.OK, True), line
    assert run("--json", "sessions", "--all") == run("sessions", "--all", "--json")


def failure(run: Run, *arguments: str) -> tuple[str, int, str]:
    """What a command that fails with `--json` says of it."""
    code, out, err = run(*arguments)
    said = json.loads(err)
    assert (out, code, sorted(said)) == ("", said["exit_code"], ["error", "exit_code", "message"])
    return said["error"], code, said["message"]


FAILURES = (
    ("--json show ffff", "nothing_found", "No session begins with 'ffff'"),
    ("show ffff --json", "nothing_found", "No session begins with 'ffff'"),
    ("forget --all --json", "refused", "--json asks nothing, so nothing was changed."),
    ("sessions --limt 3 --json", "usage", "unrecognized arguments: --limt; did you mean '--limit'?"),
    ("--json stat", "usage", "there is no command 'stat'; did you mean 'status'?"),
    ("--json search", "usage", "the following arguments are required: WORDS"),
    ("--json version", "usage", "unrecognized arguments: --json"),
    ("--json", "usage", "--json needs a command, as in `carryover sessions --json`"),
)


@pytest.mark.usefixtures("recorded")
def test_with_json_an_error_is_an_object_too(run: Run) -> None:
    for line, kind, said in FAILURES:
        found, code, message = failure(run, *line.split())
        assert (found, code, said in message) == (kind, ExitCode[kind.upper()], True), (line, message)


def test_what_is_interrupted_says_so_as_json(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("argparse.ArgumentParser.parse_known_args", Mock(side_effect=KeyboardInterrupt))

    assert failure(run, "status", "--json") == ("interrupted", ExitCode.INTERRUPTED, "interrupted")


def test_text_that_reads_as_an_option_is_none(recorded: Path, run: Run) -> None:
    assert not run("show", "--", "--json")[2].startswith("{")


@pytest.mark.parametrize("command", ["handoff", "sessions", "log"])
def test_a_folder_that_does_not_exist_is_called_that(recorded: Path, home: Path, run: Run, command: str) -> None:
    gone = home / "no-such"
    err = run.err(ExitCode.NOTHING_FOUND, *command.split(), str(gone))

    assert f"carryover: There is no folder {gone}, and nothing is recorded for it." in err


def test_a_folder_that_is_gone_keeps_its_handoff(recorded: Path, run: Run) -> None:
    recorded.rename(recorded.with_name("elsewhere"))

    assert run("handoff", str(recorded))[0] == ExitCode.OK


def test_the_top_level_help_names_every_command_and_every_exit_code() -> None:
    text = build_parser()[0].format_help()

    assert [name for name in COMMANDS if f"\n  {name} " not in text] == []
    assert [code for code in ExitCode if f"  {code:<4} {MEANING[code]}\n" not in text] == []


@pytest.mark.parametrize("width", [40, 60])
def test_on_a_narrow_terminal_no_word_of_the_help_is_broken(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    def helps() -> dict[str, str]:
        main_help = {"": build_parser()[0].format_help()}
        return main_help | {name: build_parser(name)[1][name].format_help() for name in COMMANDS}

    usual = helps()
    monkeypatch.setattr("carryover.faces.cli.arguments.terminal_width", lambda: width)
    for name, text in helps().items():
        too_long = [line for line in text.splitlines() if len(line) > width and " " in line.strip() and "`" not in line]
        assert too_long == [], name
        said, before = ("".join(shown.partition("\n\n")[2].split()) for shown in (text, usual[name]))
        assert said == before, f"{name}: apart from the usage, which argparse breaks itself"


def test_the_help_of_a_command_teaches_its_options_an_example_and_its_exit_codes() -> None:
    for command in COMMANDS:
        parser = build_parser(command)[1][command]
        text = parser.format_help()
        assert [action.dest for action in parser.declared if not action.help] == [], command
        assert f"usage: carryover {command}" in text and "examples:" in text, command
        assert f"  0    {MEANING[ExitCode.OK]}\n" in text, command


@pytest.mark.parametrize(
    ("lines", "slow"),
    [
        (("--help", "status", "status --json", "sessions --all", f"show {CHECKOUT}"), SLOW_TO_IMPORT),
        (("handoff .", "export --help"), ("git",)),  # which only what shows diffs needs
        (("sessions --all", f"show {CHECKOUT}", "search --all cart"), FOR_FEW),
        # Where nothing is edited, started or folded.
        (("status",), ("json", "carryover.edits.hooks", "carryover.how_installed", "carryover.distill.names")),
        (("pin --project .",), ("carryover.actions.importing", "carryover.importing.document")),
        (("status", "log ."), ("inspect",)),  # which `dataclasses` brings along
        (("log .",), ("html", "carryover.ledger.search", "carryover.publish.git_state")),  # for what it doesn't print
    ],
)
def test_what_is_often_called_imports_nothing_slow(
    recorded: Path, tmp_path: Path, lines: tuple[str, ...], slow: tuple[str, ...]
) -> None:
    """Start-up is most of what these commands cost: the daemon's dependencies would multiply it."""
    # What argparse brings along is not ours to leave out; from Python 3.14 on that is `dataclasses`.
    script = (
        "import argparse, sys; argparse.ArgumentParser().format_help(); before = {*sys.modules}; "
        "from carryover.faces.cli.main import main; "
        "[main(line.split()) for line in sys.argv[1:]]; "
        f"print('imported:', *[name for name in {slow!r} if name in sys.modules.keys() - before])"
    )

    answer = ran([sys.executable, "-c", script, *lines], stdout=subprocess.PIPE, check=True, cwd=tmp_path)

    assert answer.stdout.splitlines()[-1] == "imported:"


def test_help_and_version_are_commands_too(run: Run) -> None:
    same = {"help": "--help", "help show": "show --help", "help ls": "sessions --help", "version": "--version"}
    for command, option in same.items():
        assert run(*command.split()) == run(*option.split())


def test_a_reader_that_goes_away_early_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    answer = ran([*CARRYOVER, "--help"], stdout=writer)
    os.close(writer)

    assert (answer.returncode, answer.stderr) == (ExitCode.OK, "")


COMMAND_LINES = (
    *("status", "sessions", "sessions --all", "show c0de", "handoff", "doctor", "doctor --fix"),
    *("pause", "unpause", "install --yes --no-service", "uninstall", "uninstall --purge --yes"),
)
EACH = """
import sys
from carryover.faces.cli.main import main
print(*{int(main(line.split())) for line in sys.argv[1:]})
"""


@needs_setpriv
def test_a_state_folder_that_may_not_be_entered_is_said_in_one_line(home: Path) -> None:
    closed = home / ".carryover"
    closed.mkdir(mode=0)
    (home / ".claude").mkdir()

    command = without_rights_of_root(sys.executable, "-c", EACH, *COMMAND_LINES)
    answer = ran(command, cwd=home, stdout=subprocess.PIPE, check=True)

    message = (
        f"carryover: The state folder {closed} can't be used: Permission denied. Nothing was read or changed. "
        f"Run `chmod u+rwx {closed}`, or set CARRYOVER_HOME to another folder.\n"
    )
    assert (answer.stdout, answer.stderr) == (f"{ExitCode.FAILED}\n", message * len(COMMAND_LINES))
    assert list((home / ".claude").iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_is_full_is_said_in_one_line(recorded: Path, unbuffered: str) -> None:
    """What is kept in a buffer meets the error only at the end."""
    with Path("/dev/full").open("w") as full:
        answer = ran([*CARRYOVER, "status"], stdout=full, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})

    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (
        ExitCode.FAILED,
        "carryover: The output can't be written: No space left on device. What was done before is kept. "
        "Correct that, then run the command again.",
    )
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("line", ["config resume.mode brief", "pin 'whole cents'"])
def test_a_full_disk_is_not_taken_for_the_output(recorded: Path, line: str) -> None:
    """The file that can't be written is named."""
    answer = ran(["sh", "-c", f'ulimit -f 0; exec "$@" {line}', "sh", *CARRYOVER], cwd=recorded)

    said = answer.stderr.splitlines()[-1]
    assert (answer.returncode, "Traceback" in answer.stderr) == (ExitCode.FAILED, False)
    assert said.startswith(f"carryover: {state_dir().root}/") and "can't be used: File too large." in said


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (f"show {CHECKOUT}", ExitCode.FAILED, "The output can't be written: Bad file descriptor."),
        ("show ffff", ExitCode.NOTHING_FOUND, "No session begins with"),
    ],
)
def test_without_standard_streams_there_is_no_traceback(recorded: Path, line: str, code: int, said: str) -> None:
    shell = ["sh", "-c", '"$@" <&- >&-', "sh", sys.executable, "-m", "carryover.faces.cli.main"]

    answer = ran([*shell, *line.split()])

    assert answer.returncode == code
    assert answer.stderr.splitlines()[-1].startswith(f"carryover: {said}") and "Traceback" not in answer.stderr


def test_what_the_terminal_cannot_show_is_replaced(home: Path) -> None:
    """A folder whose name is not ASCII, on a terminal that knows only ASCII."""
    (home / "läden").mkdir()

    answer = ran([*CARRYOVER, "show", "last"], env={**os.environ, "PYTHONIOENCODING": "ascii"}, cwd=home / "läden")

    assert (answer.returncode, "/l?den" in answer.stderr) == (ExitCode.NOTHING_FOUND, True)


def test_ctrl_c_ends_with_130_and_one_line(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("argparse.ArgumentParser.parse_known_args", Mock(side_effect=KeyboardInterrupt))

    assert run("status") == (ExitCode.INTERRUPTED, "", "carryover: interrupted\n")


NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
TIMES = {
    "45s": "2026-11-20T14:59:15Z",
    "30 min ago": "2026-11-20T14:30:00Z",
    "2h": "2026-11-20T13:00:00Z",
    "2 hours": "2026-11-20T13:00:00Z",
    "1 minute ago": "2026-11-20T14:59:00Z",
    "1 Week": "2026-11-13T15:00:00Z",
    "3 D": "2026-11-17T15:00:00Z",
    "4 days ago": "2026-11-16T15:00:00Z",
    "1w": "2026-11-13T15:00:00Z",
    "now": "2026-11-20T15:00:00Z",
    "2026-11-20T14:30+02:00": "2026-11-20T12:30:00Z",
    "2026-11-20t14:30z": "2026-11-20T14:30:00Z",
}


@pytest.mark.parametrize("text", TIMES)
def test_times_are_read_as_people_and_lists_write_them(text: str) -> None:
    at_ms = datetime.fromisoformat(TIMES[text]).timestamp() * 1000
    assert moment_ms(text, now=NOW) == moment_ms(text, now=NOW, end_of_day=True) == at_ms


@pytest.mark.parametrize(("text", "day"), [("2026-11-20", 20), ("today", 20), ("Yesterday", 19)])
def test_a_day_is_its_beginning_or_its_end(text: str, day: int) -> None:
    found = [moment_ms(text, now=NOW, end_of_day=end) for end in (False, True)]

    begin = datetime(2026, 11, day).astimezone()
    assert found == [at.timestamp() * 1000 for at in (begin, begin + timedelta(days=1))]


@pytest.mark.parametrize(
    "text", ["", "10", "soon", "2026-13-01", "5 months", "2 ms", "-2h", "1.5h", "9" * 30 + "d", "999999w"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a date or time. .*how long ago: 30m, 2h, 3d"):
        moment_ms(text)


def test_agents_are_named_by_id_or_everyday_name(run: Run) -> None:
    assert agents_in_list("Claude,codex,claude-code") == ("claude-code", "codex")
    with pytest.raises(argparse.ArgumentTypeError, match=r"mean 'claude-code'\? `carryover agents` lists all"):
        agents_in_list("codex,claud")
    with pytest.raises(argparse.ArgumentTypeError, match="`carryover uninstall` takes every agent's hooks out"):
        agents_in_list(" , ")


BASH = """
carryover() { "$PYTHON" -m carryover.faces.cli.main "$@"; }
eval "$(carryover completions bash)"
while IFS= read -r COMP_LINE; do
  COMP_POINT=${#COMP_LINE} COMPREPLY=()
  _python_argcomplete carryover 2> /dev/null
  printf "%s;" "${COMPREPLY[@]}"; echo
done
"""


def test_bash_completes_commands_options_and_values(recorded: Path) -> None:
    short = CHECKOUT[:-1]
    lines = {
        "carryover ": [word for name in COMMANDS for word in (name, *(["ls"] if name == "sessions" else []))],
        "carryover ses": ["sessions"],
        "carryover sessions --ag": ["--agent"],
        "carryover install --agents codex,gem": ["codex,gemini-cli"],
        "carryover usage --by mo": ["model"],
        "carryover show la": ["last"],
        "carryover to cod": ["codex"],
        "carryover help han": ["handoff"],
        f"carryover show {short}": [short],
        f"carryover sessions {recorded}": [f"{recorded}/"],
    }

    env = {**os.environ, "PYTHON": sys.executable}
    done = ran(["bash", "-c", BASH], input="\n".join(lines) + "\n", env=env, stdout=subprocess.PIPE, check=True)

    completed = [[word.strip() for word in line.split(";") if word] for line in done.stdout.split("\n")[:-1]]
    assert (done.stderr, dict(zip(lines, completed, strict=True))) == ("", lines)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_is_one_that_it_can_read(shell: str, run: Run) -> None:
    code, out, err = run("completions", shell)

    assert (code, err, "carryover" in out) == (ExitCode.OK, "", True)
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"this system has no {shell}")
    subprocess.run([program, "-n"], input=out, text=True, timeout=60, check=True)


@pytest.mark.parametrize("line", ["carryover show ", "carryover note --title x"])
def test_at_a_tab_there_are_values_or_nothing_but_never_a_message(line: str, home: Path) -> None:
    """Nothing is recorded here."""
    assert offered(line, "bash") == ("", "")


def test_a_session_is_offered_with_what_it_is(recorded: Path) -> None:
    said = f"{CHECKOUT[:-1]}\tClaude Code, just now, Wire discount into checkout"
    assert said in offered("carryover show c", "fish")[0]


def offered(line: str, shell: str) -> tuple[str, str]:
    env = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": shell, "_ARGCOMPLETE_DFS": "\t", "COMP_LINE": line}
    env |= {"COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    command = f'"{sys.executable}" -m carryover.faces.cli.main 8>&1 9>&2'
    done = ran(["sh", "-c", command], env={**os.environ, **env}, stdout=subprocess.PIPE)
    return done.stdout, done.stderr


def test_a_file_in_place_of_the_state_folder_and_a_current_folder_that_was_removed_are_said(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "gone").mkdir()
    monkeypatch.chdir(home / "gone")
    (home / "gone").rmdir()
    assert "no longer exists" in run.err(ExitCode.NOTHING_FOUND, "sessions")
    for line in ("why cart.py", "import chat.json", "export -o shop.md", "link a b"):
        assert "The current folder can't be used: No such file" in run.err(ExitCode.FAILED, *line.split())

    (home / ".carryover").write_text("")
    assert "can't be used: Not a directory" in run.err(ExitCode.FAILED, "sessions", "--all")
