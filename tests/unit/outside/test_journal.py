"""What is written outside is listed before it is written, and whatever is killed when, all of it can be taken out."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from carryover.adapter.spec import HookEntry
from carryover.agents.claude_code import SPEC as CLAUDE
from carryover.install.setup import plan_agents, plan_settings, taken_out
from carryover.outside.apply import apply, carry_out
from carryover.outside.journal import Journal, load_journal, read_journal, write_down
from carryover.outside.listed import Listed, handoff_folder, in_project
from carryover.paths import StateDir
from carryover.publish.local_pointers import local_text, place_local_pointers
from carryover.publish.pointers import NEW_FILE, pointer
from carryover.publish.shared_pointers import place_shared_pointers
from carryover.text.user_text import Origin
from support.detected import detected
from support.killed import kill_everywhere
from support.passes import begun, listed_names, own_state
from support.repository import repository

ONE = handoff_folder("/srv/one/.carryover", "/srv/one")
OTHER = handoff_folder("/handoffs/b-1234", "/srv/a\nb")
HOOKS = (
    HookEntry(event="SessionStart", timeout_s=5, also={"matcher": "startup"}),
    HookEntry(event="Stop", timeout_s=5),
)


def test_the_last_line_about_a_place_holds_and_a_line_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for entry in (ONE, OTHER, ONE):
        write_down(state, entry)
    file = state / "journal.jsonl"

    assert read_journal(state).handoffs == (ONE, OTHER)
    assert (stat.S_IMODE(file.stat().st_mode), len(file.read_bytes().split())) == (0o600, 2)
    file.write_bytes(file.read_bytes() + b'{"path": "/wo')
    text = in_project(Path("/srv/one"), "AGENTS.md")
    write_down(state, text, replace(ONE, gone=True))
    assert (read_journal(state).handoffs, read_journal(state).names(Path("/srv/one"))) == ((OTHER,), {"AGENTS.md"})
    write_down(state, replace(text, gone=True), replace(OTHER, gone=True))
    assert read_journal(state).live == ()


def test_a_place_is_one_project_s_and_one_agreement_s() -> None:
    once = Listed(path="/srv/one/AGENTS.md", form="once", root="/srv/one", repository="/srv/one/.git", agreed_ms=1)
    text = in_project(Path("/srv/one"), "AGENTS.md")

    journal = Journal((once, text, replace(once, agreed_ms=2), replace(text, gone=True)))

    assert ([entry.form for entry in journal.live].count("once"), journal.names(Path("/srv/one"))) == (2, set())
    assert (journal.last(text), journal.last(replace(text, root="/srv"))) == (replace(text, gone=True), None)


def test_a_server_is_a_place_of_its_own_in_a_file_that_has_hooks_too() -> None:
    hooks = Listed(path="/home/me/.gemini/settings.json", form="nested", agent="gemini-cli")
    server = replace(hooks, form="server", key="mcpServers")

    journal = Journal((hooks, server))
    assert journal.live == (hooks, server)
    assert [journal.at(Path(hooks.path), server=is_server) for is_server in (False, True)] == [hooks, server]


@pytest.mark.parametrize(
    "before",
    [None, b'{"hooks": {"Stop": []}}\n', *(pytest.param(text, marks=pytest.mark.night) for text in (b"{}", b" \n"))],
)
def test_settings_are_listed_and_given_back_whatever_is_killed_when(tmp_path: Path, before: bytes | None) -> None:
    state, config = StateDir(tmp_path / "state"), tmp_path / "a" / "b" / "settings.json"

    def prepare() -> None:
        for folder in (state.root, tmp_path / "a"):
            shutil.rmtree(folder, ignore_errors=True)
        if before is not None:
            config.parent.mkdir(parents=True)
            config.write_bytes(before)

    def install() -> None:
        apply(plan_agents(state, [detected(CLAUDE, config, HOOKS)], {"claude-code"}), state)

    def uninstall() -> None:
        apply(plan_settings((), load_journal(state).settings), state)

    def is_as_it_was() -> bool:
        return config.read_bytes() == before if before is not None else not (tmp_path / "a").exists()

    def check() -> None:
        ours = config.exists() and b"hook.sh" in config.read_bytes()
        assert not ours or load_journal(state).settings
        for left in config.parent.glob(".*.tmp"):  # written beside it, and not yet in its place
            left.unlink()
        uninstall()
        assert is_as_it_was()
        assert load_journal(state).live == ()

    def prepare_installed() -> None:
        prepare()
        install()

    assert kill_everywhere(prepare, install, check) > 5
    assert kill_everywhere(prepare_installed, uninstall, check) > 5


@pytest.mark.parametrize("mode", ["shared", "local"])
def test_a_project_is_listed_and_given_back_whatever_is_killed_when(home: Path, mode: str) -> None:
    app = repository(home / "app", {"CLAUDE.md": "Be Claude."} if mode == "shared" else {"AGENTS.md": "Be brief.\n"})
    files = ["AGENTS.md", "CLAUDE.md", ".windsurf/rules/carryover.md"]
    before = {name: (app / name).read_bytes() for name in files if (app / name).exists()}
    exclude = (app / ".git/info/exclude").read_bytes()

    def prepare() -> None:
        shutil.rmtree(own_state(), ignore_errors=True)
        shutil.rmtree(app / ".windsurf", ignore_errors=True)
        for name in files:
            (app / name).unlink(missing_ok=True)
        for name, text in before.items():
            (app / name).write_bytes(text)
        (app / ".git/info/exclude").write_bytes(exclude)

    def put() -> None:
        if mode == "shared":
            place_shared_pointers(begun(app))
        else:
            place_local_pointers(begun(app), ["windsurf"])

    def take_out() -> None:
        edits = begun(app)
        for name in sorted(edits.listed):
            edits.take(local_text(app, name) if mode == "local" else pointer(app, name))

    def check() -> None:
        block = NEW_FILE.splitlines()[0]
        ours = {name for name in files if (app / name).exists() and block in (app / name).read_bytes()}
        assert ours <= listed_names(app)
        take_out()
        assert {name: (app / name).read_bytes() for name in files if (app / name).exists()} == before
        assert listed_names(app) == set()

    def prepare_put() -> None:
        prepare()
        put()
        assert listed_names(app) != set()

    assert kill_everywhere(prepare, put, check) > 10
    assert kill_everywhere(prepare_put, take_out, check) > 10


def test_a_line_without_its_effect_does_no_harm(tmp_path: Path) -> None:
    """Nothing was written when the command was killed; then the user wrote the file."""
    state, config = StateDir(tmp_path / "state"), tmp_path / "settings.json"
    listed = Listed(path=str(config), form="nested", agent="claude-code", script="/s", origin=Origin(missing=True))
    write_down(state.root, listed)
    config.write_bytes(b'{"hooks": {}}')

    assert carry_out(taken_out(listed), state.root).outcome == "unchanged"
    assert (config.read_bytes(), load_journal(state).live) == (b'{"hooks": {}}', ())
