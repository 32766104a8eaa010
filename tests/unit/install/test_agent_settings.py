from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from carryover.agents.claude_code.adapter import AGENT
from carryover.agents.codex.spec import SPEC as CODEX
from carryover.agents.cursor.spec import SPEC as CURSOR
from carryover.edits.plan import Change, Edit
from carryover.install.agent_settings import (
    HooksReport,
    asks_for_review,
    hooks_report,
    keeps_days,
    reads_bytes,
    to_review,
    with_config_files,
)
from carryover.install.detect import Detection
from carryover.install.setup import wanted_settings

SCRIPT = Path("/state/hook.sh")


@pytest.fixture
def seen(tmp_path: Path) -> Detection:
    """Claude Code of the oldest range that has hooks: two of them."""
    (tmp_path / ".claude").mkdir()
    return Detection(
        spec=AGENT.spec,
        state="ok",
        config=tmp_path / ".claude/settings.json",
        hook_set=AGENT.spec.hooks.sets[0],
        home=tmp_path,
    )


def report_of(seen: Detection, content: str | None) -> HooksReport:
    assert seen.config is not None
    if content is not None:
        seen.config.write_text(content)
    [wanted] = wanted_settings([seen], {seen.spec.id})
    report = hooks_report(seen, wanted, SCRIPT)
    assert report is not None
    return report


def test_without_a_file_all_hooks_are_missing_and_the_agent_does_as_it_always_does(seen: Detection) -> None:
    assert report_of(seen, None) == HooksReport(missing=("PreCompact", "Stop"))
    assert keeps_days(seen) == 30


def test_what_the_settings_say_of_hooks_and_transcripts(seen: Detection) -> None:
    ours = '{"type": "command", "command": "sh /state/hook.sh claude-code Stop 2>/dev/null || true", "timeout": 5}'
    content = '{"cleanupPeriodDays": 7, "disableAllHooks": true, "hooks": {"Stop": [{"hooks": [' + ours + "]}]}}"

    assert report_of(seen, content) == HooksReport(
        present=("Stop",),
        missing=("PreCompact",),
        switched_off=True,
        switched_off_by="disableAllHooks",
        switched_off_in=str(seen.config),
    )
    assert keeps_days(seen) == 7


def test_settings_that_are_not_json_are_named(seen: Detection) -> None:
    found = report_of(seen, '{"model": "opus",}')

    assert (found.problem or "").startswith(f"{seen.config} can't be used: ")
    assert (found.missing, keeps_days(seen)) == ((), 30)


def test_settings_that_cannot_be_opened_are_named(seen: Detection) -> None:
    assert seen.config is not None
    seen.config.mkdir()

    assert report_of(seen, None).problem == f"{seen.config} can't be read (not a regular file)."


@pytest.fixture
def codex(home: Path) -> Detection:
    (home / ".codex").mkdir()
    config = home / ".codex/hooks.json"
    return Detection(spec=CODEX, state="ok", config=config, hook_set=CODEX.hooks.sets[0], home=home)


def codex_report(seen: Detection, hooks: str | None, config: str | None = None) -> HooksReport:
    assert seen.config is not None
    if config is not None:
        seen.config.with_name("config.toml").write_text(config)
    return report_of(seen, hooks)


def in_hooks_json(**more: object) -> str:
    def group(event: str) -> dict[str, object]:
        command = f"sh /state/hook.sh codex {event} 2>/dev/null || true"
        return {"hooks": [{"type": "command", "command": command, "timeout": 5}]}

    return json.dumps({**more, "hooks": {event: [group(event)] for event in ("SessionStart", "Stop")}})


def test_hooks_that_wait_for_a_review_and_those_that_had_one(codex: Detection) -> None:
    both = ("SessionStart", "Stop")
    notes = "".join(
        f'[hooks.state."{codex.config}:{event}:0:0"]\ntrusted_hash = "sha256:1"\n'
        for event in ("session_start", "stop")
    )

    waiting = codex_report(codex, in_hooks_json())
    assert (waiting.present, waiting.to_review, waiting.reviewed) == (both, both, False)
    done = codex_report(codex, None, notes)
    assert (done.present, done.to_review, done.reviewed) == (both, (), True)


def test_a_file_that_the_agent_drops(codex: Detection) -> None:
    found = codex_report(codex, in_hooks_json(**{"$schema": "x"}))

    assert found.dropped == 'its key "$schema" makes the agent drop the whole file'


@pytest.mark.parametrize(
    ("config", "off"),
    [
        ("[features]\nhooks = false\n", "features.hooks = false"),
        ("[features]\ncodex_hooks = false\n", "features.codex_hooks = false"),
        ("[features]\nhooks = true\n", ""),
        ("[features]\nhooks = 0\n", ""),
        ("features = 3\n", ""),
        ("[features\nhooks = false\n", ""),
    ],
)
def test_the_switch_in_another_file(codex: Detection, config: str, off: str) -> None:
    assert codex.config is not None
    found = codex_report(codex, in_hooks_json(), config)

    place = str(codex.config.with_name("config.toml"))
    expected = (True, off, place) if off else (False, None, None)
    assert (found.switched_off, found.switched_off_by, found.switched_off_in) == expected


@pytest.mark.parametrize(
    ("config", "limit"),
    [(None, 32_768), ("project_doc_max_bytes = 100\n", 100), ("project_doc_max_bytes = 'x'\n", 32_768)],
)
def test_how_much_of_its_instructions_it_reads(codex: Detection, config: str | None, limit: int) -> None:
    codex_report(codex, None, config)

    assert reads_bytes(codex) == limit


def test_a_flat_file_without_a_version(home: Path) -> None:
    (home / ".cursor").mkdir()
    config = home / ".cursor/hooks.json"
    config.write_text('{"stop": [{"command": "x"}], "hooks": {}}')
    seen = Detection(spec=CURSOR, state="ok", config=config, form="flat", hook_set=CURSOR.hooks.sets[0], home=home)

    found = report_of(seen, None)

    assert found.missing == ("stop",)
    assert found.dropped == 'it has no "version" (such as 1), without which the agent drops the whole file'


@pytest.fixture
def reviewing(home: Path) -> Detection:
    (home / ".codex").mkdir()
    return Detection(
        spec=CODEX, state="ok", version=Version("0.169.0"), config=home / ".codex/hooks.json", form="nested", home=home
    )


def hooks(*events: str, before: int = 0, timeout_s: int = 5) -> bytes:
    """hooks.json with ours, each behind `before` groups of others."""
    other = {"hooks": [{"type": "command", "command": "say done"}]}

    def group(event: str) -> dict[str, object]:
        command = f"sh {SCRIPT} codex {event} 2>/dev/null || true"
        return {"hooks": [{"type": "command", "command": command, "timeout": timeout_s}]}

    return json.dumps({"hooks": {event: [*([other] * before), group(event)] for event in events}}).encode()


def review(reviewing: Detection, *names: str, mark: str = 'trusted_hash = "sha256:1"') -> None:
    assert reviewing.config is not None
    tables = (f'[hooks.state."{reviewing.config}:{name}"]\n{mark}\n' for name in names)
    reviewing.config.with_name("config.toml").write_text("".join(("[hooks.state]\n", *tables)))


def test_hooks_are_to_be_reviewed_until_each_has_its_note(reviewing: Detection) -> None:
    data = hooks("SessionStart", "Stop")
    assert to_review(reviewing, data, SCRIPT) == ("SessionStart", "Stop")

    review(reviewing, "session_start:0:0")
    assert to_review(reviewing, data, SCRIPT) == ("Stop",)

    review(reviewing, "session_start:0:0", "stop:0:0")
    assert to_review(reviewing, data, SCRIPT) == ()


def test_a_note_is_of_a_place_and_not_of_an_event(reviewing: Detection) -> None:
    review(reviewing, "stop:0:0")

    assert to_review(reviewing, hooks("Stop", before=1), SCRIPT) == ("Stop",)


def test_what_an_edit_brought_or_changed_is_reviewed_again_whatever_the_notes_say(reviewing: Detection) -> None:
    assert reviewing.config is not None
    review(reviewing, "session_start:0:0", "stop:0:0")
    change = Change(path=reviewing.config, what="a test", edit=lambda data: data)

    def after(before: bytes | None, now: bytes) -> tuple[str, ...]:
        return to_review(reviewing, now, SCRIPT, edit=Edit(change, before, now))

    both = hooks("SessionStart", "Stop")
    assert after(None, both) == ("SessionStart", "Stop")
    assert after(hooks("SessionStart"), both) == ("Stop",)
    assert after(hooks("SessionStart", "Stop", timeout_s=9), both) == ("SessionStart", "Stop")
    assert after(both, both) == ()


@pytest.mark.parametrize(
    ("version", "asks"),
    [("0.125.0", False), ("0.130.0", True), ("0.169.0", True), ("0.170.0a1", True), ("", True)],
)
def test_older_versions_run_hooks_without_a_review(reviewing: Detection, version: str, asks: bool) -> None:
    reviewing = replace(reviewing, version=Version(version) if version else None)

    assert asks_for_review(reviewing) is asks
    assert to_review(reviewing, hooks("Stop"), SCRIPT) == (("Stop",) if asks else ())


@pytest.mark.parametrize("text", ["[hooks", "hooks = 3\n", "[hooks]\nstate = 3\n"])
def test_notes_that_cannot_be_read_are_none(reviewing: Detection, text: str) -> None:
    assert reviewing.config is not None
    reviewing.config.with_name("config.toml").write_text(text)

    assert to_review(reviewing, hooks("Stop"), SCRIPT) == ("Stop",)


OURS = "sh /state/hook.sh codex Stop 2>/dev/null || true"
THEIRS = "say done"


@pytest.fixture
def folder(home: Path) -> Path:
    (home / ".codex").mkdir()
    return home / ".codex"


def write_json(folder: Path, *commands: str) -> None:
    groups = ", ".join(f'{{"hooks": [{{"type": "command", "command": "{command}"}}]}}' for command in commands)
    (folder / "hooks.json").write_text(f'{{"hooks": {{"Stop": [{groups}]}}}}')


def write_toml(folder: Path, *commands: str) -> None:
    tables = (
        f'[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "{command}"\n' for command in commands
    )
    state = '[hooks.state."x:stop:0:0"]\ntrusted_hash = "sha256:1"\n'
    (folder / "config.toml").write_text("".join((*tables, state)))


def settled(home: Path) -> Detection:
    seen = Detection(spec=CODEX, state="ok", config=home / ".codex/hooks.json", home=home)
    [found] = with_config_files([seen], [SCRIPT], "linux")
    return found


@pytest.mark.parametrize(
    ("in_json", "in_tables", "tables"),
    [
        ((), (), False),
        ((), (THEIRS,), True),
        ((THEIRS,), (), False),
        ((THEIRS,), (THEIRS,), True),
        ((OURS,), (), False),
        ((), (OURS,), True),
        ((OURS,), (THEIRS,), True),
        ((THEIRS,), (OURS,), False),
        ((THEIRS, OURS), (OURS,), False),
        ((OURS,), (OURS,), True),
    ],
)
def test_ours_go_where_theirs_are_and_stay_where_they_are_when_that_makes_no_difference(
    home: Path, folder: Path, in_json: tuple[str, ...], in_tables: tuple[str, ...], tables: bool
) -> None:
    write_json(folder, *in_json)
    write_toml(folder, *in_tables)

    found = settled(home)

    place = ("config.toml", "tables") if tables else ("hooks.json", "nested")
    assert (found.config, found.form) == (folder / place[0], place[1])


def test_tables_that_cannot_be_read_get_the_hooks_and_the_edit_says_why_it_cannot(home: Path, folder: Path) -> None:
    """Whether they hold hooks of ours or of others is not known, and the agent does not start with them."""
    (folder / "config.toml").write_text("hooks = [")

    assert settled(home).form == "tables"
