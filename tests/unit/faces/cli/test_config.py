from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.actions.settings import setting_names
from carryover.errors import ExitCode
from carryover.past.context import state_dir
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import played

FILE = """\
# mine
[resume]
mode   =  "brief"   # one line is enough

[projects]
exclude = [
  "~/clients/*", # theirs
]
"""
LATER = " carryoverd is not running; it holds when it starts.\n"


@pytest.fixture
def config_file(home: Path) -> Path:
    state_dir().root.mkdir(mode=0o700, exist_ok=True)
    state_dir().config.write_text(FILE)
    return state_dir().config


def test_all_settings_are_shown_with_where_they_come_from(config_file: Path, run: Run) -> None:
    rows = {line.split()[0]: line.split()[1:] for line in run.out("config").splitlines()}

    assert rows["SETTING"] == ["VALUE", "FROM", "MEANING"]
    assert rows["resume.mode"][:2] == ["brief", "~/.carryover/config.toml"]
    assert rows["projects.exclude"][:2] == ['["~/clients/*"]', "~/.carryover/config.toml"]
    assert rows["resume.stale_days"][:2] == ["7", "default"]
    assert rows["publish.pointers"][:3] == ["not", "set", "default"]
    assert set(setting_names()) <= rows.keys()


def test_each_setting_says_in_a_few_words_what_it_means(home: Path, run: Run) -> None:
    state_dir().root.mkdir(mode=0o700, exist_ok=True)
    state_dir().config.write_text(
        '[agents.codex]\nroots = ["/x"]\nversions = ["1"]\nenv = {A = "b"}\n'
        '[[sources]]\nagent = "mine"\nfiles = ["/x/*.jsonl"]\nformat = "jsonl"\n'
        'role = "role"\ntext = "text"\n'
    )
    found = {setting["key"]: setting["meaning"] for setting in json.loads(run.out("config", "--json"))}

    assert "agents.codex.env" in found and found["resume.stale_days"].startswith("days")
    assert [key for key, meaning in found.items() if not 0 < len(meaning) <= 36] == []


@pytest.mark.parametrize("width", [40, 80, 100])
def test_on_a_terminal_values_and_meanings_are_whole(config_file: Path, width: int) -> None:
    long = '["~/' + " ".join("clients" for _ in range(12)) + '"]'
    config_file.write_text(f'[projects]\nexclude = {long}\n[publish]\npointers = "shared"\n')

    lines = played([*CARRYOVER, "config"], columns=width)[1].splitlines()

    assert [line for line in lines if len(line) > width] == []
    said = " ".join(" ".join(lines).split())
    assert "publish.pointers = shared ~/.carryover/config.toml what is written into projects" in said.replace(" ·", "")
    assert f"projects.exclude = {long}" in said and "server.page = true" in said and "…" not in said


def test_one_setting_is_printed_alone(config_file: Path, run: Run) -> None:
    assert (run.out("config", "resume.mode"), run.out("config", "server.page")) == ("brief\n", "true\n")
    unset = "carryover: sync.every is not set.\n"
    assert run.err(ExitCode.NOTHING_FOUND, "config", "sync.every") == unset
    about = {"key": "resume.mode", "value": "brief", "origin": str(config_file), "default": "ask"}
    assert about.items() <= json.loads(run.out("config", "resume.mode", "--json")).items()


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("resume.mode silent", '"brief"', '"silent"'),
        ("projects.exclude ~/clients/* ~/old", "", '  "~/clients/*", # theirs\n'),
        ("resume.depth 8000", "", "depth = 8000\n"),
        ("server.page false", "", "[server]\npage = false\n"),
        ("publish.active_days 14", "", "[publish]\nactive_days = 14\n"),
        ('projects.include ["~/code/*"]', "", 'include = ["~/code/*"]\n'),
    ],
)
def test_one_setting_is_changed_and_every_other_byte_stays(
    line: str, before: str, after: str, config_file: Path, run: Run
) -> None:
    key, *values = line.split()

    out = run.out("config", key, *values)

    assert out.startswith(f"{key} = ") and out.endswith(LATER)
    text = config_file.read_text()
    if before:
        assert text == FILE.replace(before, after)
    else:
        assert after in text and all(kept in text.splitlines() for kept in FILE.splitlines())
    assert f"{key} = " in run("config", key, *values)[1]
    assert config_file.read_text() == text


def test_who_says_shared_again_agrees_again(config_file: Path, run: Run) -> None:
    """What git has taken away since the first time is written once more."""
    then = "shared_since = 2026-01-01T00:00:00Z\n"
    config_file.write_text(f'[publish]\npointers = "shared"\n{then}')

    run.out("config", "publish.pointers", "shared")

    assert "shared_since = 20" in config_file.read_text() and then not in config_file.read_text()


def test_a_setting_that_is_taken_out_has_its_default_again(config_file: Path, run: Run) -> None:
    assert run.out("config", "--unset", "resume.mode") == f"resume.mode = ask (was brief).{LATER}"

    assert "mode" not in config_file.read_text() and config_file.read_text().startswith("# mine\n")
    assert run("config", "--unset", "resume.mode")[1] == f"resume.mode = ask, as before.{LATER}"


def test_a_folder_of_handoffs_of_an_earlier_version_is_told_as_what_it_means_now(config_file: Path, run: Run) -> None:
    config_file.write_text('[publish]\nfolder = "~/handoffs"\n')

    code, out, err = run("config", "publish.pointers", "--json")
    assert (code, err, json.loads(out)["value"], json.loads(out)["origin"]) == (0, "", "off", str(config_file))
    assert run("config") == (0, run.out("config"), "")
    assert run("config", "--unset", "publish.folder")[0] == ExitCode.USAGE
    assert "folder" in config_file.read_text()

    assert run("config", "--unset", "publish.pointers")[0] == ExitCode.OK
    assert "folder" not in config_file.read_text()


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("resume.mode loud", ExitCode.USAGE, "resume.mode can't be 'loud': it must be one of ask, brief, silent"),
        ("resume.mode breif", ExitCode.USAGE, "did you mean 'brief'? Nothing was changed."),
        ("resume.depth 900", ExitCode.USAGE, "`depth` must be 0 or a number from 1,801 to 50,000"),
        ("sync.every 5", ExitCode.USAGE, "it must be minutes or hours, as 5m or 1h"),
        ("sync.every 5s", ExitCode.USAGE, "it must be minutes or hours, as 5m or 1h"),
        ("server.port 99999", ExitCode.USAGE, "server.port can't be '99999'"),
        ("resume.mod ask", ExitCode.USAGE, "did you mean 'resume.mode'?"),
        ("prot 1", ExitCode.USAGE, "did you mean 'server.port'?"),
        ("page", ExitCode.USAGE, "did you mean 'server.page'?"),
        ("agents.selcted", ExitCode.USAGE, "did you mean 'agents.selected'?"),
        ("frobnicate", ExitCode.USAGE, "There is no setting 'frobnicate'."),
        ("agents.selected codex", ExitCode.REFUSED, "`carryover install` decides that"),
        ("--unset", ExitCode.USAGE, "--unset needs a KEY"),
    ],
)
def test_what_has_no_meaning_changes_nothing(line: str, code: ExitCode, said: str, config_file: Path, run: Run) -> None:
    assert said in run.err(code, "config", *line.split())
    assert config_file.read_text() == FILE


@pytest.mark.parametrize("line", ["config", "config no.such", "export --for chatgpt {home}/nowhere"])
def test_what_only_reads_does_not_say_that_it_changed_nothing(
    line: str, config_file: Path, home: Path, run: Run
) -> None:
    if line == "config":
        config_file.write_text("[resume\n")

    code, out, err = run(*line.format(home=home).split())

    assert code != ExitCode.OK and out == "" and "changed" not in err
