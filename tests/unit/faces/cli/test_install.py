from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from carryover import __version__
from carryover.actions.project_rules import rule_for
from carryover.agents.claude_code.adapter import AGENT
from carryover.config import Config, Pointers, load_config
from carryover.errors import ExitCode
from carryover.install.background import DaemonReport
from carryover.install.messages import background_lines
from carryover.past.context import state_dir
from carryover.publish.pointers import NEW_FILE
from support.agent_here import everything, only_this_path
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import CTRL_C, ENTER, LEFT, RIGHT, UP, Terminal, played
from support.tools import CURSOR, program, versioned

TIPS = """\

In a new session say "let's start" or "continue": the agent tells you where the last one stopped.
In a chat that is already open say "read .carryover/handoff.md".
⚠ not running yet: `carryover start` starts carryoverd; without it no handoff is written.
"""


INSTALL = (*CARRYOVER, "install", "--no-service")
ALL_EVENTS = "SessionStart, PreCompact, Stop, StopFailure, SessionEnd"


def test_it_writes_hooks_and_settings_and_says_so(claude: Path, run: Run) -> None:
    out = run.out("install", "--yes", "--no-service")

    assert out.partition("Into your projects")[0] == (
        f"✓ Claude Code 2.1.328 detected\n  config: ~/.claude/settings.json\n  hooks written: {ALL_EVENTS}\n"
    )
    assert out.endswith(TIPS)
    hooks = json.loads(claude.read_bytes())["hooks"]
    script = state_dir().root / "hook.sh"
    assert {event: groups[0]["hooks"][0]["command"] for event, groups in hooks.items()} == {
        event: f"sh {script} claude-code {event} 2>/dev/null || true" for event in ALL_EVENTS.split(", ")
    }
    assert (
        state_dir()
        .config.read_text()
        .startswith(
            '[agents]\nselected = ["claude-code"]\nknown = ["claude-code"]\n\n'
            '[agents.claude-code]\nversions = ["2.1.328"]\n\n'
            '[resume]\nmode = "ask"\n\n[publish]\npointers = "shared"\nshared_since = 20'
        )
    )


@pytest.mark.parametrize(
    ("needed", "missing"),
    [
        ("curl", "⚠ There is no `curl` on the PATH, by which hooks reach carryoverd.\n"),
        ("git", "⚠ carryoverd can't run git: there is none in the folders of its PATH.\n"),
    ],
)
def test_what_hooks_and_handoffs_need_is_named_if_it_is_missing(
    claude: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, needed: str, missing: str
) -> None:
    monkeypatch.setenv("PATH", str(home / "bin"))
    assert missing in run.out("install", "--yes", "--no-service")

    program(home / "bin" / needed, "exit 0")
    assert missing not in run.out("install", "--yes", "--no-service")


def test_a_second_time_it_changes_no_byte(installed: Path, home: Path, run: Run) -> None:
    before = everything(home)

    assert f"  hooks in place: {ALL_EVENTS}\n" in run.out("install", "--yes", "--no-service")
    assert run.out("refresh", "--yes", "--no-service", "--dry-run").endswith("\nNo file of yours would change.\n")
    assert everything(home) == before


DRY_RUN = ("install", "--yes", "--dry-run")


def test_a_dry_run_prints_the_diff_of_what_install_then_does_and_touches_no_file(
    claude: Path, home: Path, run: Run, tmp_path: Path
) -> None:
    claude.write_text('{\n  "model": "opus"\n}\n')
    before = everything(home)

    out = run.out("install", "--yes", "--no-service", "--dry-run")
    data = json.loads(run.out("install", "--yes", "--no-service", "--dry-run", "--json"))

    assert everything(home) == before
    assert f"--- {claude}\n+++ {claude}\n@@ " in out
    assert '-  "model": "opus"\n+  "model": "opus",\n+  "hooks": {\n' in out
    assert f'--- /dev/null\n+++ {state_dir().config}\n@@ -0,0 +1,13 @@\n+[agents]\n+selected = ["claude-code"]\n' in out
    assert "Nothing is started (--no-service).\n" in out and out.endswith("\nNothing was changed.\n")
    assert "\ncarryoverd is started in the background, unless this build is already running.\n" in run.out(*DRY_RUN)
    patched = tmp_path / "settings.json"
    patched.write_bytes(claude.read_bytes())
    diffs = {file["path"]: file["diff"] for file in data["files"]}
    subprocess.run(["patch", "-s", str(patched)], input=diffs[str(claude)], text=True, check=True)
    run("install", "--yes", "--no-service")
    assert claude.read_bytes() == patched.read_bytes()


def test_one_agent_s_failure_stops_no_other(
    claude: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned(home / "bin" / "cursor", "2.3.0")
    monkeypatch.setattr("carryover.install.agent_settings.specs", lambda: (AGENT.spec, CURSOR))
    claude.write_text('{"model": "opus",}')

    code, out, _ = run("install", "--yes", "--no-service")

    assert (code, f"  {claude} is left alone: " in out) == (ExitCode.FAILED, True)
    assert "✗ Claude Code 2.1.328 detected, but its hooks could not be written.\n" in out
    assert claude.read_text() == '{"model": "opus",}'
    assert "sessionStart" in (home / ".cursor/hooks.json").read_text()


def test_with_nothing_chosen_nothing_is_changed(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_path(home, monkeypatch)
    before = everything(home)

    err = run.err(ExitCode.NOTHING_FOUND, "install", "--yes", "--no-service")

    assert err.startswith("carryover: No agent was found or chosen, so nothing is changed.")
    assert run.err(ExitCode.NOTHING_FOUND, "install", "--dry-run") == err, "nor is anything shown that would be"
    assert everything(home) == before


def test_as_data_it_tells_what_was_done(claude: Path, run: Run) -> None:
    done = json.loads(run.out("install", "--json", "--no-service"))

    assert (done["changed"], done["selected"], done["first_read"]) == (True, ["claude-code"], None)
    files = [(str(claude), "created"), (str(state_dir().config), "created")]
    assert [(file["path"], file["outcome"]) for file in done["files"]] == files


def test_without_a_service_it_runs_all_the_same(claude: Path, shop: Path, run: Run) -> None:
    """What is reported is what is there."""
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[server]\nport = 0\n")
    try:
        code, out, _ = run("install", "--yes")
    finally:
        run("stop")

    assert (code, "not running yet" in out) == (ExitCode.OK, False)
    assert f"✓ carryoverd {__version__} runs (process " in out
    assert "`carryover start` does at any time" in out
    assert (shop / ".carryover" / "handoff.md").exists()


@pytest.mark.parametrize("columns", [40, 80])
def test_a_daemon_that_does_not_run_is_the_last_word(claude: Path, columns: int) -> None:
    code, shown = played((*INSTALL, "--yes"), columns=columns)

    assert (code, "Into your projects (shared), once carryoverd runs:" in " ".join(shown.split())) == (0, True)
    assert shown[shown.rindex("⚠") :].startswith("⚠ not running yet: ")
    commands = re.findall(r"`[^`]*`", shown)
    assert "`carryover start`" in commands
    assert not any("\n" in found for found in commands), "a command that is pasted must work"


def test_the_summary_and_the_dry_run_say_what_is_written_into_projects(claude: Path, shop: Path, run: Run) -> None:
    before = everything(shop)
    _, dry, _ = run("install", "--yes", "--no-service", "--dry-run")
    code, out, _ = run("install", "--yes", "--no-service")
    listed = (
        f"  {ALONE}\n"
        "  Once an agent works in a project, not before: 7 lines that point "
        "to the handoff in AGENTS.md (created if missing) and in your CLAUDE.md.\n"
        "  Git will show the pointers as changes until you commit them.\n"
        "  Until then git refuses a pull or checkout that would overwrite them.\n"
        "  To answer otherwise: `carryover refresh --pointers local` (or `off`).\n"
    )
    assert code == ExitCode.OK
    assert f"Into your projects (shared), once carryoverd runs:\n{listed}" in out
    listed = listed.replace("carryover refresh", "carryover install")
    assert f"Into your projects (shared):\n{listed}" in dry
    _, shown, pointer = dry.partition("\nThe pointer:\n")
    assert shown and pointer == f"{NEW_FILE.decode()}\nNothing was changed.\n"
    assert everything(shop) == before, "that is for the daemon to do"
    assert "before an agent works" not in run.out("refresh", "--yes", "--dry-run", "--pointers", "local"), "at once"


def test_settings_of_ours_that_cannot_be_read_stop_it_before_anything_is_done(
    claude: Path, home: Path, run: Run
) -> None:
    state_dir().root.mkdir()
    state_dir().config.write_text("[resume]\nmode = 'loud'\n")
    before = everything(home)

    assert "line 2" in run.err(ExitCode.REFUSED, "install", "--yes", "--no-service")
    assert everything(home) == before


def test_how_a_new_session_learns_of_the_last_is_chosen_with_an_option_and_kept(claude: Path, run: Run) -> None:
    run.out("install", "--yes", "--no-service", "--resume-mode", "brief")
    run.out("install", "--yes", "--no-service")

    assert load_config(state_dir().config).resume.mode == "brief"


def test_what_is_here_is_ticked_and_enter_takes_it(claude: Path) -> None:
    code, shown = played(INSTALL, ("Windsurf", ENTER))

    assert "Which AI agents do you use? (space to tick, then enter)" in shown
    assert re.search(r"● Claude Code +detected", shown) and "○ Codex CLI" in shown
    assert (code, "✓ Claude Code 2.1.328 detected" in shown) == (ExitCode.OK, True)
    assert "SessionStart" in json.loads(claude.read_bytes())["hooks"]


def test_with_no_agent_ticked_any_more_no_handoff_is_promised(installed: Path) -> None:
    code, shown = played(INSTALL, ("Windsurf", " "), ("○ Claude Code", ENTER), columns=200)

    assert (code, "No agent is selected, so none gets a handoff by itself." in shown) == (ExitCode.OK, True)
    assert "In a new session" not in shown and not installed.exists()


@pytest.mark.parametrize("command", ["install", "refresh"])
def test_whoever_interrupts_it_halfway_learns_how_to_go_on(
    claude: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("carryover.faces.cli.install.install", interrupted)

    err = run.err(ExitCode.INTERRUPTED, command, "--yes", "--no-service")
    assert f"What was done before stays: `carryover {command}` does the rest, `carryover uninstall` undoes it." in err
    assert run.err(ExitCode.INTERRUPTED, command, "--dry-run") == "carryover: interrupted\n"


def test_the_screen_says_what_is_written_when_and_offers_the_choice(claude: Path, shop: Path) -> None:
    """One question: Enter answers all of it."""
    with Terminal(INSTALL, os.environ, columns=60, lines=40) as terminal:
        shared = terminal.wait_for("as it is.")
        terminal.press(RIGHT)
        terminal.wait_for("● local")
        terminal.press(RIGHT)
        terminal.wait_for("● off")
        terminal.press(LEFT, ENTER)
        code, shown = terminal.end()

    assert max(map(len, shared.splitlines())) < 60
    assert (  # right under the list, however high the terminal is, and no word is broken
        " Windsurf        not detected\n What may be written into your projects? (← → to choose)\n"
        "   ● shared  ○ local  ○ off\n"
        "   A team: shared. You alone: local. In no project: off.\n"
        "   .carryover/handoff.md. AGENTS.md and the like will point\n"
        "   to it; git shows that until you commit it.\n"
        "   Enter: hooks into ~/.claude/settings.json, starts\n   nothing (--no-service).\n"
        "   Esc or q leaves everything as it is."
    ) in shared
    assert code == ExitCode.OK
    assert "Into your projects (local), once carryoverd runs:" in shown
    assert load_config(state_dir().config).publish.pointers == "local"
    assert not (shop / "AGENTS.md").exists()


def test_the_screen_says_that_enter_does_nothing_where_no_agent_is_ticked(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_this_path(home, monkeypatch)
    before = everything(home)

    steps = ("Enter: nothing, as no agent is ticked.", ENTER)
    code, shown = played((*CARRYOVER, "install"), steps, columns=80, lines=24)

    assert (code, "No agent was found or chosen, so nothing is changed." in shown) == (ExitCode.NOTHING_FOUND, True)
    assert everything(home) == before


LATER = "Once an agent works in a project, not before: 7 lines that point to "
KEPT = ".carryover/handoff.md, kept out of commits by .git/info/exclude where there is Git."
ALONE = f"In each project with an agent's work in the last 7 days, and in others once one works there: {KEPT}"
NOTHING = "Nothing: agents get the handoff by hooks, or by `carryover to`."


@pytest.mark.parametrize(
    ("pointers", "agents", "sentence"),
    [
        ("shared", ("codex",), f"{LATER}the handoff in AGENTS.md (created if missing)."),
        ("shared", ("claude-code",), f"{LATER}the handoff in AGENTS.md (created if missing) and in your CLAUDE.md."),
        ("shared", ("codex",), "Git will show the pointers as changes until you commit them."),
        ("local", ("codex",), "And a pointer to it in AGENTS.md where no branch has one."),
        ("local", ("codex",), "Nothing that git shows; an agent whose own file is tracked gets it by hooks."),
        ("local", ("codex",), ALONE),
        ("off", ("codex",), NOTHING),
    ],
)
def test_each_answer_says_which_files_it_touches(pointers: Pointers, agents: tuple[str, ...], sentence: str) -> None:
    assert sentence in rule_for(pointers, agents, Config())


def test_settings_that_moved_take_the_hooks_with_them(installed: Path, home: Path, run: Run) -> None:
    moved = home / "elsewhere"
    moved.mkdir()
    table = "[agents.claude-code]\n"
    env = f'env = {{ CLAUDE_CONFIG_DIR = "{moved}" }}\n'
    state_dir().config.write_text(state_dir().config.read_text().replace(table, table + env))

    assert "✓ Hooks removed from ~/.claude/settings.json\n" in run.out("refresh", "--yes", "--no-service")
    assert ((moved / "settings.json").exists(), installed.exists()) == (True, False)


ESC, Q = "\x1b", "q"


def test_where_no_project_gets_a_file_no_chat_is_sent_to_one(claude: Path, run: Run) -> None:
    out = run("install", "--no-service", "--yes", "--pointers", "off")[1]

    assert "read .carryover" not in out
    assert "In a chat that is already open paste what `carryover handoff --copy` copies." in out


@pytest.mark.parametrize("key", [ESC, Q, CTRL_C])
def test_leaving_the_screen_changes_nothing(claude: Path, home: Path, key: str) -> None:
    before = everything(home)

    code, shown = played((*CARRYOVER, "install"), ("Esc or q", key))

    assert (code, shown.endswith("carryover: Nothing was changed.\n")) == (ExitCode.INTERRUPTED, True)
    assert everything(home) == before


def test_all_three_answers_are_seen_on_a_narrow_screen(claude: Path, shop: Path) -> None:
    with Terminal(INSTALL, os.environ, columns=40, lines=24) as terminal:
        assert "(space to tick, then enter)" in terminal.wait_for("○ off")
        terminal.press(LEFT)
        terminal.wait_for("● off")
        terminal.press(Q)
        terminal.end()


@pytest.mark.parametrize(("columns", "lines"), [(60, 12), (80, 24), (120, 40)])
def test_the_screen_is_whole_at_every_size_and_says_what_enter_does(
    claude: Path, shop: Path, columns: int, lines: int
) -> None:
    with Terminal((*CARRYOVER, "install"), os.environ, columns=columns, lines=lines) as terminal:
        drawn = terminal.wait_for("as it is.")
        terminal.press(ESC)
        terminal.end()

    # It is drawn again once the terminal has said where its cursor is, which may come late.
    shown = re.findall(r"Which AI agents do you use\?.*?as it is\.", drawn, re.DOTALL)[-1]
    said = " ".join(shown.split())
    assert len(shown.splitlines()) <= lines
    assert max(map(len, shown.splitlines())) < columns
    assert "Which AI agents do you use?" in said and "● Claude Code" in said
    assert "will point to it; git shows that until you commit it." in said
    assert "A team: shared. You alone: local. In no project: off." in said
    assert "hooks into ~/.claude/settings.json" in said and "starts carryoverd" in said and "reads " in said
    assert ("Windsurf" in said) == (lines > 24), "the list scrolls"
    assert bool(re.search(r"↓ \d+ more", said)) == (lines <= 24)


@pytest.mark.parametrize(("columns", "more"), [(80, " more"), (40, "")])
def test_the_screen_says_how_many_agents_are_above_and_below(claude: Path, columns: int, more: str) -> None:
    with Terminal(INSTALL, os.environ, columns=columns, lines=24) as terminal:
        shown = terminal.wait_for("as it is.")
        terminal.press(UP)  # to the last one
        terminal.wait_for("↑ ")
        terminal.press(Q)
        _, after = terminal.end()

    above = re.search(rf"not detected *↑ (\d+){more}\s", after)
    below = re.search(rf"not detected *↓ (\d+){more}\s", shown)
    assert above and below and above[1] == below[1]


def test_each_answer_fits_on_a_low_screen(claude: Path, shop: Path) -> None:
    with Terminal(INSTALL, os.environ, columns=60, lines=12) as terminal:
        terminal.wait_for("as it is.")
        for answer in ("● local", "● off"):
            terminal.press(RIGHT)
            terminal.wait_for(answer)
        terminal.press(Q)
        _, shown = terminal.end()

    assert "Window too small" not in shown


def test_the_copy_of_a_ledger_that_was_migrated_is_named() -> None:
    migrated = DaemonReport(kind="none", ledger_copy="ledger.before-13.sqlite")

    said = "✓ The ledger was migrated; as it was before it is kept beside it, in ledger.before-13.sqlite"
    assert said in background_lines(migrated, by_hooks=True)
    assert said not in background_lines(DaemonReport(kind="none"), by_hooks=True)


def test_the_daemon_is_named_with_its_process_and_port() -> None:
    runs = DaemonReport(kind="none", pid=4711, version="0.1.0", port=47823)
    assert next(background_lines(runs, by_hooks=True)) == "✓ carryoverd 0.1.0 runs (process 4711, port 47823)"


@pytest.mark.parametrize(
    ("by_hooks", "said"),
    [
        (True, "  So your agents' hooks start it when a session begins, and `carryover start` does at any time."),
        (False, "  So after a restart of the machine only `carryover start` starts it: your agents have no hooks."),
    ],
)
def test_without_a_service_it_is_said_what_starts_the_daemon_again(by_hooks: bool, said: str) -> None:
    runs = DaemonReport(kind="none", pid=4711, version="0.1.0", port=47823)

    assert said in background_lines(runs, by_hooks=by_hooks)


def test_a_replaced_build_of_the_same_version_is_said_to_be_another() -> None:
    now = DaemonReport(kind="systemd", pid=4711, version="0.1.0", replaced="0.1.0")
    older = msgspec.structs.replace(now, replaced="0.0.9")

    assert [next(background_lines(each, by_hooks=True)).split(" in place of ")[1] for each in (now, older)] == [
        "another build (process 4711)",
        "0.0.9 (process 4711)",
    ]
