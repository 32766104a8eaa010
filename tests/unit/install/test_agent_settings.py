from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from packaging.version import Version

from carryover.agents.claude_code.adapter import AGENT
from carryover.agents.codex import SPEC as CODEX
from carryover.install.agent_report import HooksReport
from carryover.install.agent_settings import (
    hooks_report,
    review_of,
    to_review,
    with_config_files,
)
from carryover.install.detect import Detection
from carryover.outside.apply import Edit, Text

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


def report_of(seen: Detection, content: str | None, config: str | None = None) -> HooksReport:
    """What is found with these contents of the hooks' file, and of `config.toml` beside it."""
    assert seen.config is not None
    for file, text in ((seen.config, content), (seen.config.with_name("config.toml"), config)):
        if text is not None:
            file.write_text(text)
    report = hooks_report(seen, SCRIPT)
    assert report is not None
    return report


def test_what_the_settings_say_of_hooks(seen: Detection) -> None:
    assert report_of(seen, None) == HooksReport(missing=("PreCompact", "Stop"))

    ours = '{"type": "command", "command": "sh /state/hook.sh claude-code Stop 2>/dev/null || true", "timeout": 5}'
    content = '{"disableAllHooks": true, "hooks": {"Stop": [{"hooks": [' + ours + "]}]}}"

    assert report_of(seen, content) == HooksReport(
        present=("Stop",),
        missing=("PreCompact",),
        switched_off=True,
        switched_off_by="disableAllHooks",
        switched_off_in=str(seen.config),
    )


def test_settings_that_are_not_json_or_no_file_are_named(seen: Detection) -> None:
    found = report_of(seen, '{"model": "opus",}')

    assert (found.problem or "").startswith(f"{seen.config} can't be used: ")
    assert found.missing == ()
    assert seen.config is not None
    seen.config.unlink()
    seen.config.mkdir()
    assert report_of(seen, None).problem == f"{seen.config} can't be read (not a regular file)."


@pytest.fixture
def codex(home: Path) -> Detection:
    (home / ".codex").mkdir()
    config = home / ".codex/hooks.json"
    version, hook_set = Version("0.169.0"), CODEX.hooks.sets[0]
    return Detection(spec=CODEX, state="ok", version=version, config=config, hook_set=hook_set, home=home)


def hooks(*events: str, before: int = 0, timeout_s: int = 5, schema: str = "") -> bytes:
    """hooks.json with ours, each behind `before` groups of others."""
    other = {"hooks": [{"type": "command", "command": "say done"}]}

    def group(event: str) -> dict[str, object]:
        command = f"sh {SCRIPT} codex {event} 2>/dev/null || true"
        return {"hooks": [{"type": "command", "command": command, "timeout": timeout_s}]}

    more = {"$schema": schema} if schema else {}
    return json.dumps({**more, "hooks": {event: [*([other] * before), group(event)] for event in events}}).encode()


def review(codex: Detection, *names: str, mark: str = 'trusted_hash = "sha256:1"') -> None:
    assert codex.config is not None
    tables = (f'[hooks.state."{codex.config}:{name}"]\n{mark}\n' for name in names)
    codex.config.with_name("config.toml").write_text("".join(("[hooks.state]\n", *tables)))


def test_hooks_that_wait_for_a_review_those_that_had_one_and_those_that_are_dropped(codex: Detection) -> None:
    both = ("SessionStart", "Stop")
    found = [report_of(codex, hooks(*both).decode())]
    for notes in (("session_start:0:0",), ("session_start:0:0", "stop:0:0")):
        review(codex, *notes)
        found.append(report_of(codex, None))

    assert [(one.present, one.to_review) for one in found] == [(both, both), (both, ("Stop",)), (both, ())]
    dropped = report_of(codex, hooks("Stop", schema="x").decode()).dropped
    assert dropped == 'its key "$schema" makes the agent drop the whole file'


@pytest.mark.parametrize(
    ("config", "off"),
    [
        ("[features]\nhooks = false\n", "features.hooks = false"),
        ("[features]\ncodex_hooks = false\n", "features.codex_hooks = false"),
        ("[features]\nhooks = true\n", ""),
        ("features = 3\n", ""),
        ("[features\nhooks = false\n", ""),
    ],
)
def test_the_switch_in_another_file(codex: Detection, config: str, off: str) -> None:
    assert codex.config is not None
    found = report_of(codex, hooks("SessionStart", "Stop").decode(), config)

    place = str(codex.config.with_name("config.toml"))
    expected = (True, off, place) if off else (False, None, None)
    assert (found.switched_off, found.switched_off_by, found.switched_off_in) == expected


def test_what_an_edit_brought_or_changed_is_reviewed_again_whatever_the_notes_say(codex: Detection) -> None:
    assert codex.config is not None
    review(codex, "session_start:0:0", "stop:0:0")
    text = Text(path=codex.config, what="a test")

    def after(before: bytes | None, now: bytes) -> tuple[str, ...]:
        return to_review(codex, now, SCRIPT, edit=Edit(text, before, now))

    both = hooks("SessionStart", "Stop")
    assert after(None, both) == ("SessionStart", "Stop")
    assert after(hooks("SessionStart"), both) == ("Stop",)
    assert after(hooks("SessionStart", "Stop", timeout_s=9), both) == ("SessionStart", "Stop")
    assert after(both, both) == ()
    behind_others = hooks("Stop", before=1)
    assert after(behind_others, behind_others) == ("Stop",), "a note is of a place and not of an event"


@pytest.mark.parametrize(
    ("version", "asks"), [("0.125.0", False), ("0.130.0", True), ("0.169.0", True), ("0.170.0a1", True), ("", True)]
)
def test_older_versions_run_hooks_without_a_review(codex: Detection, version: str, asks: bool) -> None:
    codex = replace(codex, version=Version(version) if version else None)

    assert (review_of(codex) is not None) is asks
    assert to_review(codex, hooks("Stop"), SCRIPT) == (("Stop",) if asks else ())


@pytest.mark.parametrize("text", ["[hooks", "hooks = 3\n", "[hooks]\nstate = 3\n"])
def test_notes_that_cannot_be_read_are_none(codex: Detection, text: str) -> None:
    report_of(codex, None, text)

    assert to_review(codex, hooks("Stop"), SCRIPT) == ("Stop",)


COMMANDS = {"ours": "sh /state/hook.sh codex Stop 2>/dev/null || true", "theirs": "say done"}
TABLE = '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "{}"\n'
REVIEWED = '[hooks.state."x:stop:0:0"]\ntrusted_hash = "sha256:1"\n'


@pytest.mark.parametrize(
    ("in_json", "in_tables", "place"),
    [
        ("", "", "hooks.json"),
        ("", "theirs", "config.toml"),
        ("theirs", "", "hooks.json"),
        ("theirs", "theirs", "config.toml"),
        ("ours", "", "hooks.json"),
        ("", "ours", "config.toml"),
        ("ours", "theirs", "config.toml"),
        ("theirs", "ours", "hooks.json"),
        ("theirs ours", "ours", "hooks.json"),
        ("ours", "ours", "config.toml"),
    ],
)
def test_ours_go_where_theirs_are_and_stay_where_they_are_when_that_makes_no_difference(
    codex: Detection, in_json: str, in_tables: str, place: str
) -> None:
    assert codex.config is not None
    groups = [{"hooks": [{"type": "command", "command": COMMANDS[whose]}]} for whose in in_json.split()]
    tables = [TABLE.format(COMMANDS[whose]) for whose in in_tables.split()]
    report_of(codex, json.dumps({"hooks": {"Stop": groups}}), "".join((*tables, REVIEWED)))

    [found] = with_config_files([codex], [SCRIPT])

    form = "tables" if place == "config.toml" else "nested"
    assert (found.config, found.form) == (codex.config.with_name(place), form)
