from __future__ import annotations

from pathlib import Path

from carryover.agents.claude_code import AGENT
from carryover.agents.known import NAME_ONLY
from carryover.config import Config
from carryover.install.detect import Detection
from carryover.install.hook_sets import known_set
from carryover.install.setup import Option, carry_out, options, outcome_for, tool_hooks, work_out
from carryover.paths import StateDir
from support.agent_here import everything
from support.tools import CODEX


def claude(home: Path, **more: object) -> Detection:
    from packaging.version import Version

    hook_set = known_set(AGENT.spec, Version("2.1.328"))
    facts = {
        "state": "ok",
        "version_text": "2.1.328",
        "config": home / ".claude/settings.json",
        "roots": (home / ".claude/projects",),
        "hook_set": hook_set,
    }
    return Detection(spec=AGENT.spec, **{**facts, **more})  # type: ignore[arg-type]


MISSING = Detection(spec=CODEX, state="missing")
WINDSURF = Detection(spec=NAME_ONLY["windsurf"], state="unsupported")


def test_what_is_here_is_ticked_and_what_is_not_supported_never_is(home: Path) -> None:
    assert options([claude(home), MISSING, WINDSURF], None, anew=True) == (
        Option(id="claude-code", name="Claude Code", presence="detected", supported=True, ticked=True),
        Option(id="codex", name="Codex CLI", presence="not detected", supported=True, ticked=False),
        Option(id="windsurf", name="Windsurf", presence="detected, not supported yet", supported=False, ticked=False),
    )


def test_a_refresh_ticks_what_was_selected_last(home: Path) -> None:
    found = options([claude(home), MISSING, WINDSURF], ("codex", "windsurf"), anew=False)

    assert [option.ticked for option in found] == [False, True, False]


def test_an_install_ticks_what_was_selected_last_and_what_is_here(home: Path) -> None:
    assert [option.ticked for option in options([claude(home), MISSING], ("codex",), anew=True)] == [True, True]


def test_only_agents_that_are_selected_and_here_get_hooks(home: Path) -> None:
    older = claude(home, state="older", hook_set=None)

    assert [hooks.tool for hooks in tool_hooks([claude(home), MISSING], ("claude-code", "codex"))] == ["claude-code"]
    assert tool_hooks([claude(home)], ()) == ()
    assert tool_hooks([older], ("claude-code",)) == ()


def test_doing_it_twice_changes_nothing_the_second_time(home: Path) -> None:
    state = StateDir(home / ".carryover")

    def set_up() -> list[str]:
        setup = work_out(state, [claude(home)], ("claude-code",), config=Config(), resume_mode=None, service=None)
        return [done.outcome for done in carry_out(setup, state)]

    assert set_up() == ["created", "created"]
    before = everything(home)
    assert set_up() == ["unchanged", "unchanged"]
    assert everything(home) == before


def test_hooks_whose_record_was_lost_are_recorded_again(home: Path) -> None:
    state = StateDir(home / ".carryover")
    for _ in range(2):
        setup = work_out(state, [claude(home)], ("claude-code",), config=Config(), resume_mode=None, service=None)
        carry_out(setup, state)
        record = state.root / "edits.json"
        assert record.exists()
        record.unlink()


def test_variables_are_recorded_for_the_selected_only_and_forgotten_with_them(home: Path) -> None:
    state = StateDir(home / ".carryover")
    moved = claude(home, overrides={"CLAUDE_CONFIG_DIR": str(home / ".claude")})
    for selected, recorded in ((("claude-code",), True), ((), False)):
        setup = work_out(state, [moved], selected, config=Config(), resume_mode=None, service=None)
        carry_out(setup, state)
        assert ("CLAUDE_CONFIG_DIR" in state.config.read_text()) is recorded


def test_the_outcome_of_an_agent_is_that_of_its_settings(home: Path) -> None:
    state = StateDir(home / ".carryover")
    found = claude(home)
    setup = work_out(state, [found], ("claude-code",), config=Config(), resume_mode=None, service=None)

    assert outcome_for(found, carry_out(setup, state)) == ("written", "")
    assert outcome_for(found, ()) == ("in place", "")
