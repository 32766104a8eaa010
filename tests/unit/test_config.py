"""The user's settings are taken as written or refused with the line; a project's own file can only ask for less."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from carryover.config import (
    AgentConfig,
    AgentsConfig,
    Config,
    ProjectsConfig,
    ProjectSettings,
    PublishConfig,
    ResumeConfig,
    ServerConfig,
    load_config,
    project_settings,
    settings_or_defaults,
)
from carryover.distill.handoff import OFFERED_TOKENS
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir

SHARED = Config(publish=PublishConfig(pointers="shared"))

EVERY_KEY = """\
resume = { mode = "brief", stale_days = 3, depth = 8000 }
publish = { pointers = "private", active_days = 14 }
server.port = 0
projects = { include = ["~/work/*"], exclude = ["~/work/secret"] }
"""


ANY_LINE = st.builds(
    "{} = {}".format,
    st.sampled_from(
        ("exclude", "resume.mode", "resume.depth", "publish.pointers", "server.port", "[projects]\ninclude", "a.b")
    ),
    st.sampled_from(
        ("true", "'ask'", "-1", "9" * 5_000, "[" * 3_000, "nan", "1979-05-27T07:32:00+23:59", "{a=1}", "[[]]")
    )
    | st.text(max_size=8),
)


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refused(config_file: Path, text: str) -> str:
    config_file.write_text(text)
    with pytest.raises(UserError) as raised:
        load_config(config_file)
    assert raised.value.code is ExitCode.REFUSED
    return str(raised.value).removeprefix(str(config_file))


def test_a_missing_file_means_the_defaults(config_file: Path) -> None:
    found = load_config(config_file)

    assert found == Config()
    assert (found.resume, found.server.port) == (ResumeConfig(mode="ask", stale_days=7, depth=OFFERED_TOKENS), 47_823)
    assert (found.publish, found.projects) == (PublishConfig(pointers=None, active_days=7), ProjectsConfig())


def test_every_key_is_read_also_behind_a_byte_order_mark(config_file: Path) -> None:
    config_file.write_bytes(b"\xef\xbb\xbf" + EVERY_KEY.encode())

    assert load_config(config_file) == Config(
        resume=ResumeConfig(mode="brief", stale_days=3, depth=8000),
        publish=PublishConfig(pointers="local", active_days=14),
        server=ServerConfig(port=0),
        port_is_set=True,
        projects=ProjectsConfig(include=("~/work/*",), exclude=("~/work/secret",)),
    )


def test_unknown_keys_are_reported_with_their_lines_and_do_no_harm(config_file: Path) -> None:
    """A pause is one: it would hold for the daemon only, and `unpause` would not end it."""
    config_file.write_text(
        'paused = true\n[resume]\nmode = "brief"\nmod = 1\n\n[telemetry]\non = true\n'
        '[agents]\nselect = []\nselected = ["codex", "nobody"]\n'
        '[agents.codex]\nroot = ["/x"]\n[agents.nobody]\nroots = ["/x"]\n'
    )
    agents = (
        "agents.select (line 9)",
        "agents.selected (line 10): nobody",
        "agents.codex.root (line 12)",
        "agents.nobody (line 13)",
    )

    found = load_config(config_file)

    assert (found.paused, found.resume.mode) == (False, "brief")
    assert sorted(found.unknown_keys) == sorted(
        ("paused (line 1)", "resume.mod (line 4)", "telemetry (line 6)", *agents)
    )


def test_a_number_that_python_refuses_is_a_mistake_in_the_file(config_file: Path) -> None:
    config_file.write_text(f"[server]\nport = {'9' * 5_000}\n")

    with pytest.raises(UserError, match="is not valid TOML: a number is too long"):
        load_config(config_file)


REMEDY = "Correct the value, or move the file away to use the defaults."


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('\n[resume]\nmode = "loud"\n', "resume.mode (line 3): it must be one of ask, brief, silent."),
        ("publish.pointers = 3\n", "publish.pointers (line 1): it must be one of shared, "),
        ('resume = { mode = "loud" }\n', "resume.mode (line 1): it must be one of ask"),
        *(
            (f"[resume]\ndepth = {depth}\n", "resume (line 1): `depth` must be 0 or a number from 1,801 to 50,000.")
            for depth in (-1, 1, 1800, 50_001)
        ),
        ("[resume]\ndepth = true\n", "resume.depth (line 2): it must be a whole number."),
        ("[server]\nport = 70000\n", "server.port (line 2): it must be a whole number of at most 65535."),
        ("[server]\npage = 1\n", "server.page (line 2): it must be true or false."),
        ("[server]\nport = true\n", "server.port (line 2): it must be a whole number."),
        ("[publish]\nactive_days = -1\n", "publish.active_days (line 2): it must be a whole number of 0 or more."),
        ("resume = 3\n", "resume (line 1): it must be a table."),
        ('[projects]\nexclude = ["a", ""]\n', "projects.exclude[1] (line 2): it must be text, not empty."),
        ('[projects]\nexclude = ["."]\n', "projects (line 1): empty pattern."),
        ('[publish.projects]\n"*" = "loud"\n', "publish.projects"),
        ("agents = 3\n", "agents (line 1): it must be a table"),
        ('[agents]\nselected = "codex"\n', "agents.selected (line 2): it must be a list"),
        ("[agents.codex]\nroots = [1]\n", "agents.codex.roots[0] (line 2): it must be text"),
        ("[agents.codex]\nroots = ['x']\n", "agents.codex (line 1): each of `roots` must begin with / or ~"),
        ("[agents.a]\n[agents.codex]\nenv = {A = 1}\n", "agents.codex.env[...] (line 3): it must be text"),
    ],
)
def test_a_value_without_a_meaning_is_refused_with_its_line(config_file: Path, text: str, what: str) -> None:
    message = refused(config_file, text)

    assert message.startswith(f": {what}")
    assert message.endswith(f". {REMEDY}")


def test_a_file_that_is_not_toml_or_cannot_be_read_is_refused(config_file: Path) -> None:
    assert refused(config_file, "[resume]\nmode = \n") == (
        " is not valid TOML: Invalid value (at line 2, column 8). "
        "Repair that line, or move the file away to use the defaults."
    )
    config_file.unlink()
    config_file.mkdir()
    with pytest.raises(UserError, match=r"can't be read \(not a regular file\)"):
        load_config(config_file)


def test_a_project_may_choose_its_resume_mode_and_exclude_itself(tmp_path: Path) -> None:
    (tmp_path / ".carryover.toml").write_text('exclude = true\n[resume]\nmode = "brief"\n')

    found = project_settings(tmp_path, Config())

    assert (found.resume_mode, found.excluded) == ("brief", "the project's own .carryover.toml")


@pytest.mark.parametrize(("users", "projects", "result"), [(8000, 0, 0), (8000, 1801, 1801), (8000, 8000, 8000)])
def test_a_project_may_have_less_read(tmp_path: Path, users: int, projects: int, result: int) -> None:
    config = Config(resume=ResumeConfig(depth=users))
    assert project_settings(tmp_path, config).resume_depth == users

    (tmp_path / ".carryover.toml").write_text(f"[resume]\ndepth = {projects}\n")

    assert project_settings(tmp_path, config) == ProjectSettings(resume_depth=result, pointers="local", decided=False)


@pytest.mark.parametrize(("users", "projects"), [(0, 1801), (0, 50_000), (3600, 3601)])
def test_a_project_cannot_have_agents_read_more(tmp_path: Path, users: int, projects: int) -> None:
    (tmp_path / ".carryover.toml").write_text(f"resume.depth = {projects}\n")

    found = project_settings(tmp_path, Config(resume=ResumeConfig(depth=users)))

    note = f".carryover.toml: resume.depth may only be lowered; it stays {users}"
    assert (found.resume_depth, found.notes) == (users, (note,))


@pytest.mark.parametrize(
    ("depth", "why"),
    [
        *((depth, "`depth` must be 0 or a number from 1,801 to 50,000") for depth in ("1800", "50_001", "-1")),
        *((depth, "it must be a whole number") for depth in ("true", "'8000'", "[8000]")),
    ],
)
def test_a_depth_of_a_project_without_a_meaning_is_passed_by(tmp_path: Path, depth: str, why: str) -> None:
    (tmp_path / ".carryover.toml").write_text(f"[resume]\ndepth = {depth}\n")

    note = f".carryover.toml: resume.depth: {why}; it is ignored, and 8000 holds"
    assert project_settings(tmp_path, SHARED) == ProjectSettings(notes=(note,))


@pytest.mark.parametrize("table", ['[publish]\npointers = "{}"\n', '[publish.projects]\n"*" = "{}"\n'])
@pytest.mark.parametrize(
    ("users", "projects", "result"),
    [
        ("shared", "local", "local"),
        ("local", "off", "off"),
        ("private", "shared", "local"),
        ("shared", "private", "local"),
    ],
)
def test_a_project_may_only_lower_the_pointers(
    config_file: Path, tmp_path: Path, table: str, users: str, projects: str, result: str
) -> None:
    (tmp_path / ".carryover.toml").write_text(f'[publish]\npointers = "{projects}"\n')
    config_file.write_text(table.format(users))

    settings = project_settings(tmp_path, load_config(config_file))

    kept = f".carryover.toml: publish.pointers may only be lowered; it stays {result}"
    assert (settings.pointers, settings.notes) == (result, () if projects != "shared" else (kept,))


def test_a_project_decides_on_no_pointers_before_its_user_does(tmp_path: Path) -> None:
    decided = []
    for asked in ("shared", "local", "off"):
        (tmp_path / ".carryover.toml").write_text(f'[publish]\npointers = "{asked}"\n')
        decided.append(project_settings(tmp_path, Config()).decided)

    assert decided == [False, False, True]


def test_a_project_may_set_nothing_else_and_no_nonsense(tmp_path: Path) -> None:
    (tmp_path / ".carryover.toml").write_text(
        'exclude = "no"\nresume.mode = "loud"\npublish.pointers = ["off"]\npublish.folder = "/etc"\n'
        "[projects]\ninclude = []\n"
    )

    assert project_settings(tmp_path, SHARED) == ProjectSettings(
        notes=(
            ".carryover.toml: publish.folder is not something a project may set; it is ignored",
            ".carryover.toml: projects is not something a project may set; it is ignored",
            ".carryover.toml: exclude must be true or false; it is ignored, and false holds",
            ".carryover.toml: resume.mode must be one of ask, brief, silent; it is ignored, and ask holds",
            ".carryover.toml: publish.pointers must be one of shared, local, off; it is ignored, and shared holds",
        )
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"exclude = \n", "it is not valid TOML: Invalid value (at line 1, column 11)"),
        (b"exclude = true\n" + b"#" * 20_000, "larger than 4,096 bytes"),
        (b"\xff\xfe\x00", "it is not UTF-8 text"),
        (b"a = " + b"[" * 4_000, "it is not valid TOML: it is nested too deeply"),
    ],
)
def test_a_projects_file_that_cannot_be_understood_is_passed_by(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / ".carryover.toml").write_bytes(content)

    assert project_settings(tmp_path, SHARED) == ProjectSettings(
        notes=(f".carryover.toml is ignored, and your own settings hold: {reason}",)
    )


@given(text=st.lists(ANY_LINE, max_size=6).map("\n".join) | st.text(max_size=40))
def test_any_settings_are_read_or_refused_and_any_of_a_project_are_read(text: str, tmp_path: Path) -> None:
    for name in (".carryover.toml", "config.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8", errors="replace")

    assert isinstance(project_settings(tmp_path, SHARED), ProjectSettings)
    try:
        assert isinstance(load_config(tmp_path / "config.toml"), Config)
    except UserError as refused:
        assert refused.code is ExitCode.REFUSED


def test_a_projects_file_that_is_a_link_or_a_pipe_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".carryover.toml").symlink_to("/dev/zero")
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b" / ".carryover.toml")

    assert [project_settings(tmp_path / name, Config()).notes for name in "ab"] == [
        (".carryover.toml is ignored, and your own settings hold: it is a symlink",),
        (".carryover.toml is ignored, and your own settings hold: not a regular file",),
    ]


def test_a_folder_of_another_machine_is_not_below_the_current_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(projects=ProjectsConfig(exclude=("~/*",)))
    monkeypatch.chdir(home)
    assert project_settings(Path("laptop:/home/ann/shop"), config).excluded is None


def test_with_patterns_to_include_all_others_are_excluded(home: Path) -> None:
    config = Config(projects=ProjectsConfig(include=("~/work",), exclude=("secret-*",)))

    names = ("work/app", "workshop/app", "work/secret-1")
    assert [project_settings(home / name, config).excluded for name in names] == [
        None,
        "[projects] include in config.toml, which does not name it",
        "[projects] exclude = 'secret-*' in config.toml",
    ]


def test_also_the_defaults_keep_a_handoff_out_of_a_project_that_asks_for_that(home: Path) -> None:
    state, root = StateDir(home / "state"), home / "app"
    state.config.parent.mkdir()
    state.config.write_text("[publish\n")
    root.mkdir()
    (root / ".carryover.toml").write_text('[publish]\npointers = "off"\n')

    config, trouble = settings_or_defaults(state)

    assert trouble is not None
    assert [project_settings(root, known).is_inside for known in (config, Config())] == [False, False]


def test_what_install_found_out_of_each_agent_is_read(config_file: Path) -> None:
    config_file.write_text(
        '[agents]\nselected = ["claude-code"]\n'
        '[agents.claude-code]\nroots = ["/moved/projects"]\nenv = {CLAUDE_CONFIG_DIR = "/moved"}\n'
    )

    tools = load_config(config_file).agents

    claude = AgentConfig(roots=("/moved/projects",), env={"CLAUDE_CONFIG_DIR": "/moved"})
    assert tools == AgentsConfig(selected=("claude-code",), each={"claude-code": claude})
    assert (tools.of("claude-code"), tools.of("codex")) == (claude, AgentConfig())
    assert load_config(config_file).unknown_keys == ()


@pytest.mark.parametrize(
    ("text", "pointers", "decided"),
    [
        ("", "local", False),
        ('[agents]\nselected = ["claude-code"]\n', "local", False),
        ('[agents]\nselected = ["claude-code"]\n[publish]\npointers = "private"\n', "local", True),
        ('[publish]\npointers = "shared"\n', "shared", True),
        ('[publish.projects]\n"*" = "private"\n', "local", True),
    ],
)
def test_nothing_is_shared_before_anyone_was_asked(
    config_file: Path, tmp_path: Path, text: str, pointers: str, decided: bool
) -> None:
    config_file.write_text(text)

    found = project_settings(tmp_path, load_config(config_file))

    assert (found.pointers, found.decided, found.is_inside) == (pointers, decided, True)


def test_the_last_pattern_that_matches_a_project_decides_what_is_written_there(
    config_file: Path, tmp_path: Path
) -> None:
    client, app = tmp_path / "clients" / "acme", tmp_path / "app"
    config_file.write_text(
        f'[publish]\npointers = "private"\n[publish.projects]\n"app" = "shared"\n"{tmp_path}/clients/*" = "off"\n'
    )
    config = load_config(config_file)

    assert [project_settings(root, config).pointers for root in (app, client, tmp_path)] == ["shared", "off", "local"]
    assert [project_settings(root, config).is_inside for root in (app, client)] == [True, False]


@pytest.mark.parametrize(
    ("text", "may_move"), [("", True), ("[server]\npage = true\n", True), ("[server]\nport = 47823\n", False)]
)
def test_only_a_port_that_the_file_does_not_name_may_be_another(config_file: Path, text: str, may_move: bool) -> None:
    config_file.write_text(text)

    assert load_config(config_file).port_may_move is may_move


def test_a_table_of_a_project_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / ".carryover.toml").write_text("resume = 'ask'\npublish = 3\n")

    assert project_settings(tmp_path, SHARED).notes == (
        ".carryover.toml: resume must be a table; it is ignored",
        ".carryover.toml: publish must be a table; it is ignored",
    )


DECLARED = """\
[resume]
mode = "ask"
[[sources]]
agent = "one"
files = ["~/.one/*.jsonl"]
[[sources]]
agent = "two"
files = ["~/.two/*.jsonl"]
"""


def test_declared_sources_are_selected_and_their_unknown_keys_named(config_file: Path) -> None:
    config_file.write_text(DECLARED + 'rolle = "who"\n')
    found = load_config(config_file)

    assert [source.agent for source in found.sources] == ["one", "two"]
    assert found.unknown_keys == ("sources[1].rolle (line 9)",)
    installed = replace(found, agents=AgentsConfig(selected=("codex",)))
    assert [installed.selects(agent) for agent in ("one", "codex", "aider")] == [True, True, False]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('files = ["logs/*.jsonl"]', "sources[2] (line 9): each of `files` must begin with / or ~/."),
        ('files = ["~/*.jsonl"]', "sources[2] (line 9): each of `files` must name a folder before its first `*`"),
        ('files = ["~/.a/**/b.jsonl"]', "sources[2] (line 9): `files` knows no other wildcard than `*`"),
        ("files = []", "sources[2].files (line 11): it must be a list, not empty"),
        ('format = "xml"\nfiles = ["~/.a/*"]', "sources[2].format (line 11): "),
    ],
)
def test_a_wrong_source_is_refused_with_its_line(config_file: Path, line: str, problem: str) -> None:
    assert problem in refused(config_file, f'{DECLARED}[[sources]]\nagent = "three"\n{line}\n')


@pytest.mark.parametrize("name", ["one", "codex", "note"])
def test_a_source_may_not_take_the_name_of_an_agent(config_file: Path, name: str) -> None:
    text = f'{DECLARED}[[sources]]\nagent = "{name}"\nfiles = ["~/.x/*"]\n'
    assert f"sources[2].agent (line 10): {name!r} is the name of another agent." in refused(config_file, text)
