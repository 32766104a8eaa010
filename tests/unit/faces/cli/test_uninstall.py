from __future__ import annotations

import json
import os
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.config import ProjectSettings
from carryover.errors import ExitCode
from carryover.how_installed import ALL, ENCRYPTS, own_scripts
from carryover.past.context import state_dir
from carryover.redact import CleanText
from support.agent_here import everything
from support.agents_elsewhere import also_agents_in
from support.forked import CARRYOVER
from support.publishing import publish
from support.recorded_shop import Run
from support.terminal import ENTER, Terminal, played
from support.tools import versioned


def test_hooks_go_and_what_was_recorded_stays(claude: Path, recorded: Path, run: Run) -> None:
    before = b'{\r\n\t"model": "opus",\r\n\t"hooks": {"Stop": []}}'
    claude.write_bytes(before)
    run("install", "--yes", "--no-service")

    out = run.out("uninstall", "--yes")

    assert out.startswith("~/.claude/settings.json is put back (hooks of Claude Code)\n")
    assert out.endswith(
        "✓ Done.\nWhat was recorded stays in ~/.carryover, and the handoffs stay in your projects; "
        "`carryover uninstall --purge` takes them away too.\n"
    )
    assert claude.read_bytes() == before
    assert state_dir().ledger.exists()


def test_pointers_that_stayed_go_by_the_command_that_is_named_and_nothing_is_installed_again(
    installed: Path, recorded: Path, run: Run
) -> None:
    assert publish(recorded, CleanText("the handoff\n"), ProjectSettings()).refusal is None
    named = "run `carryover config publish.pointers off`."
    assert named in " ".join(run.out("uninstall", "--yes").split())
    assert (recorded / "AGENTS.md").exists() and not installed.exists()

    out = run.out("config", "publish.pointers", "off")

    assert out.startswith("publish.pointers = off (was shared).\n✓ ")
    assert "AGENTS.md" in out and out.endswith(" as before Carryover\n")
    assert not (recorded / "AGENTS.md").exists() and not installed.exists()


def test_a_dry_run_lists_and_shows_everything_and_touches_nothing(installed: Path, home: Path, run: Run) -> None:
    before = everything(home)

    out = run.out("uninstall", "--purge", "--dry-run")

    assert f"--- {installed}\n+++ /dev/null\n" in out
    (folder,) = (line for line in out.splitlines() if line.startswith("~/.carryover"))  # and not a line for each file
    assert folder.startswith("~/.carryover goes, with ") and "(the state folder, " in folder and "settings" in folder
    assert out.endswith("\nNothing was changed.\n")
    assert everything(home) == before


def test_a_file_that_cannot_be_edited_is_named_and_can_be_done_later(installed: Path, run: Run) -> None:
    """Carryover's own settings need not be readable."""
    state_dir().config.write_text("[tools\n")
    whole = installed.read_text()
    installed.write_text(f"{whole},")

    code, out, _ = run("uninstall", "--purge", "--yes")
    assert (code, f"✗ {installed} is left alone: " in out) == (ExitCode.FAILED, True)
    assert out.endswith("✓ Everything else is done.\n")
    assert installed.read_text() == f"{whole},"

    installed.write_text(whole)
    assert run("uninstall", "--yes")[0] == ExitCode.OK
    assert not installed.exists()


def test_as_data_it_tells_what_went(installed: Path, run: Run) -> None:
    done = json.loads(run.out("uninstall", "--purge", "--yes", "--json"))

    assert (done["left"], done["service"]) == ([], None)
    assert done["files"] == [{"path": str(installed), "why": "hooks of Claude Code", "outcome": "removed"}]
    assert str(state_dir().config) in done["removed"]


@pytest.mark.parametrize(
    ("option", "question"),
    [
        ((), "Remove this? [y/N]"),
        (("--purge",), "Remove all this? What was recorded cannot be recovered. [y/N]"),
    ],
)
def test_on_a_terminal_it_shows_what_goes_and_asks(
    installed: Path, home: Path, option: tuple[str, ...], question: str
) -> None:
    before = everything(home)

    code, shown = played((*CARRYOVER, "uninstall", *option), (question, ENTER))

    assert (code, "Nothing was changed." in shown) == (ExitCode.INTERRUPTED, True)
    assert shown.index("settings.json goes") < shown.index(question)
    assert everything(home) == before

    assert played((*CARRYOVER, "uninstall", *option), (question, f"y{ENTER}"))[0] == ExitCode.OK
    assert not installed.exists()


def test_ctrl_c_at_the_question_is_a_no(installed: Path, home: Path) -> None:
    before = everything(home)

    with Terminal((*CARRYOVER, "uninstall"), os.environ) as terminal:
        terminal.wait_for("Remove this? [y/N]")
        terminal.signal(signal.SIGINT)
        code, shown = terminal.end()

    assert (code, shown.splitlines()[-1]) == (ExitCode.INTERRUPTED, "carryover: Nothing was changed.")
    assert everything(home) == before


@pytest.mark.parametrize("options", [(), ("--purge",), ("--json",), ("--purge", "--json")])
def test_without_a_terminal_it_needs_a_yes(installed: Path, home: Path, run: Run, options: tuple[str, ...]) -> None:
    before = everything(home)

    code, _, err = run("uninstall", *options)

    assert (code, "so nothing was changed. Run it " in err) == (ExitCode.REFUSED, True)
    assert everything(home) == before


def test_where_nothing_is_to_remove_nothing_is_asked(home: Path, run: Run) -> None:
    assert run.out("uninstall") == "There is nothing to remove.\n"


def test_a_second_time_it_says_what_still_stays(claude: Path, recorded: Path, run: Run) -> None:
    run("install", "--yes", "--no-service")
    run.out("uninstall", "--yes")

    first, stays = run.out("uninstall").splitlines()
    assert first == "There is nothing to remove."
    assert stays.startswith("What was recorded stays in ~/.carryover") and "`carryover uninstall --purge`" in stays


CODEX_EVENTS = "SessionStart, PreCompact, Stop, SessionEnd"
REVIEW = '  Codex asks once before it runs new hooks: start `codex` and choose "Trust all" ("Review" shows each).\n'


@pytest.fixture
def three(claude: Path, home: Path) -> Path:
    """Claude Code, Codex and Cursor are on this machine; the home folder."""
    versioned(home / "bin/codex", "codex-cli 0.169.0")
    versioned(home / "bin/cursor-agent", "2026.09.10-fd3934a")
    (home / ".codex").mkdir()
    return home


@pytest.fixture
def set_up(three: Path, run: Run) -> Path:
    """The same after `carryover install`."""
    assert run("install", "--yes", "--no-service")[0] == ExitCode.OK
    return three


def hooks_found(run: Run, agent: str) -> list[str]:
    """What doctor says of one agent's hooks."""
    reported = json.loads(run("doctor", "--json")[1])["findings"]
    checks = ("hooks", "review", "folder")
    return [finding["what"] for finding in reported if finding["check"] in checks and agent in finding["what"]]


def refreshed(run: Run, *options: str) -> str:
    return run("refresh", "--yes", "--no-service", *options)[1]


def test_settings_beside_the_hooks_that_cannot_be_read_are_named(three: Path, run: Run) -> None:
    """Codex does not start with such a file, and whether it holds hooks cannot be told."""
    config = three / ".codex/config.toml"
    config.write_text("[features\nhooks = true\n")

    code, out, _ = run("install", "--yes", "--no-service")

    assert (code, out.count("hooks written")) == (ExitCode.FAILED, 2)
    assert "✗ Codex CLI 0.169.0 detected, but its hooks could not be written.\n" in out
    assert f"  {config} is left alone: it is not valid TOML: " in out
    assert not (three / ".codex/hooks.json").exists()
    assert config.read_text() == "[features\nhooks = true\n"
    trouble = f"{config} can't be used: it is not valid TOML: "
    reported = json.loads(run("doctor", "--json")[1])["findings"]
    assert [finding["do"] for finding in reported if finding["what"].startswith(trouble)] == [
        "Repair the file, then run `carryover refresh`."
    ]
    assert "can't be used: it is not valid TOML: " in run("status", "-v")[1]

    config.write_text("[features]\nhooks = true\n")
    refreshed(run)
    assert (three / ".codex/hooks.json").exists()


def test_hooks_that_are_there_stay_when_settings_beside_them_break(set_up: Path, run: Run) -> None:
    (set_up / ".codex/config.toml").write_text("[features\n")
    before = (set_up / ".codex/hooks.json").read_bytes()

    assert run("refresh", "--yes", "--no-service")[0] == ExitCode.FAILED
    assert (set_up / ".codex/hooks.json").read_bytes() == before

    assert run("uninstall", "--yes")[0] == ExitCode.OK
    assert not (set_up / ".codex/hooks.json").exists()


def test_without_the_record_hooks_are_found_in_every_form(set_up: Path, run: Run) -> None:
    config = set_up / ".codex/config.toml"
    theirs = '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "x"\n'
    config.write_text(theirs)
    refreshed(run)
    assert config.read_text() != theirs
    (state_dir().root / "journal.jsonl").unlink()

    assert run("uninstall", "--yes")[0] == ExitCode.OK

    assert config.read_text() == theirs
    assert json.loads((set_up / ".cursor/hooks.json").read_bytes()) == {"version": 1}


def test_hooks_follow_those_that_the_user_keeps_in_the_other_file(set_up: Path, run: Run) -> None:
    config = set_up / ".codex/config.toml"
    theirs = (
        'model = "gpt-6" # mine\n\n[[hooks.Stop]]\n\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"\n'
    )
    config.write_text(theirs)
    assert hooks_found(run, "Codex") == [f"Codex CLI: hooks are missing in ~/.codex/config.toml: {CODEX_EVENTS}."]

    out = refreshed(run)

    assert f"  config: ~/.codex/config.toml\n  hooks written: {CODEX_EVENTS}\n{REVIEW}" in out
    assert "✓ Hooks removed from ~/.codex/hooks.json\n" in out
    assert not (set_up / ".codex/hooks.json").exists()
    assert config.read_text().startswith(theirs)
    assert len(tomllib.loads(config.read_text())["hooks"]["Stop"]) == 2
    assert refreshed(run).startswith("Nothing changed")

    run("uninstall", "--purge", "--yes")
    assert config.read_text() == theirs


def test_a_file_that_codex_drops_is_left_alone_and_stops_no_other(three: Path, run: Run) -> None:
    dropped = '{"$schema": "https://example.invalid/x", "hooks": {}}'
    (three / ".codex/hooks.json").write_text(dropped)

    code, out, _ = run("install", "--yes", "--no-service")

    assert code == ExitCode.FAILED
    assert 'left alone: its key "$schema" makes the agent drop the whole file. Fix that, then' in out
    assert ((three / ".codex/hooks.json").read_text(), (three / ".cursor/hooks.json").exists()) == (dropped, True)
    assert hooks_found(run, "Codex") == [
        'Codex CLI runs no hook of ~/.codex/hooks.json: its key "$schema" makes the agent drop the whole file.'
    ]


ELSEWHERE = Path(__file__).parents[2] / "agents/elsewhere"
FOUND = "Found here since the last install or refresh, and not selected: Scribe CLI."


@pytest.fixture
def updated(installed: Path, home: Path) -> Iterator[Path]:
    """Carryover was installed, and then updated to a version that covers another agent, which is here."""
    versioned(home / "bin" / "scribe", "scribe 1.4")
    with also_agents_in(ELSEWHERE):
        yield home


@pytest.mark.parametrize("command", ["refresh", "install"])
def test_an_agent_that_is_covered_now_is_named_until_it_is_refused(updated: Path, run: Run, command: str) -> None:
    assert FOUND in " ".join(run("status")[1].split()) and FOUND in run("doctor")[1]

    assert run(command, "--agents", "claude", "--no-service")[0] == ExitCode.OK

    assert 'selected = ["claude-code"]' in state_dir().config.read_text()
    assert FOUND not in " ".join(run("status")[1].split()) and FOUND not in run("doctor")[1]
    assert refreshed(run).startswith("Nothing changed")
    assert not (updated / ".scribe").exists()


def test_an_agent_that_is_installed_later_is_named_and_taken_at_the_next_refresh(
    installed: Path, home: Path, run: Run
) -> None:
    named = "Found here since the last install or refresh, and not selected: Codex CLI."
    assert named not in run("doctor")[1]

    versioned(home / "bin" / "codex", "codex-cli 0.169.0")
    assert named in run("doctor")[1]

    assert "✓ Codex CLI 0.169.0 detected" in refreshed(run)
    assert named not in run("doctor")[1]


PYPROJECT = Path(__file__).parents[4] / "pyproject.toml"
SERVER = {"type": "stdio", "command": str(own_scripts() / "carryover"), "args": ["mcp"]}


def test_it_is_entered_where_asked_for_and_said_so(claude: Path, home: Path, run: Run) -> None:
    state = home / ".claude.json"
    state.write_text('{"numStartups": 4}')

    assert "MCP" not in run("install", "--yes", "--no-service")[1]
    assert "✓ MCP server entered into ~/.claude.json\n" in run.out("install", "--yes", "--no-service", "--mcp")
    moved = {"env": {"CARRYOVER_HOME": str(state_dir().root)}}  # some agents start servers without such variables
    assert json.loads(state.read_text()) == {"numStartups": 4, "mcpServers": {"carryover": {**SERVER, **moved}}}

    assert refreshed(run).startswith("Nothing changed")
    assert "✓ MCP server removed from ~/.claude.json\n" in refreshed(run, "--no-mcp")
    assert state.read_text() == '{"numStartups": 4}'


def test_a_server_of_the_user_with_that_name_is_left_alone(claude: Path, home: Path, run: Run) -> None:
    before = '{"mcpServers": {"carryover": {"url": "https://example.com"}}}'
    (home / ".claude.json").write_text(before)

    code, out, _ = run("install", "--yes", "--no-service", "--mcp")

    said = 'is left alone: "mcpServers" already has another server with the name "carryover".'
    assert (code, f"✗ {home / '.claude.json'} {said}" in out) == (ExitCode.FAILED, True)
    assert (home / ".claude.json").read_text() == before


def test_a_server_that_cannot_be_entered_beside_hooks_is_a_problem(claude: Path, home: Path, run: Run) -> None:
    (home / ".gemini").mkdir()
    (home / ".gemini" / "settings.json").write_text('{"mcpServers": []}')

    done = json.loads(run("install", "--agents", "gemini", "--no-service", "--mcp", "--json")[1])
    problems = [agent["problem"] for agent in done["agents"] if agent["id"] == "gemini-cli"]
    assert "is something other than an object" in problems[0]


def test_what_is_asked_for_is_what_the_extras_ask_for() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    extras = project["optional-dependencies"]

    assert extras["sync"] == [ENCRYPTS]
    assert extras[ALL] == [f"{project['name']}[sync]"]
