"""Which hooks Codex waits for people to review, by its own notes (config-after-trust.toml of 0.169.0)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from packaging.version import Version

from carryover.agents.codex.spec import SPEC
from carryover.edits.plan import Change, Edit
from carryover.install.detect import Detection
from carryover.install.review import asks_for_review, to_review

SCRIPT = Path("/state/hook.sh")


@pytest.fixture
def codex(home: Path) -> Detection:
    (home / ".codex").mkdir()
    return Detection(
        spec=SPEC, state="ok", version=Version("0.169.0"), config=home / ".codex/hooks.json", form="nested", home=home
    )


def hooks(*events: str, before: int = 0, timeout_s: int = 5) -> bytes:
    """hooks.json with ours, each behind `before` groups of others."""
    other = {"hooks": [{"type": "command", "command": "say done"}]}

    def group(event: str) -> dict[str, object]:
        command = f"sh {SCRIPT} codex {event} 2>/dev/null || true"
        return {"hooks": [{"type": "command", "command": command, "timeout": timeout_s}]}

    return json.dumps({"hooks": {event: [*([other] * before), group(event)] for event in events}}).encode()


def review(codex: Detection, *names: str, mark: str = 'trusted_hash = "sha256:1"') -> None:
    assert codex.config is not None
    tables = (f'[hooks.state."{codex.config}:{name}"]\n{mark}\n' for name in names)
    codex.config.with_name("config.toml").write_text("".join(("[hooks.state]\n", *tables)))


def test_hooks_are_to_be_reviewed_until_each_has_its_note(codex: Detection) -> None:
    data = hooks("SessionStart", "Stop")
    assert to_review(codex, data, SCRIPT) == ("SessionStart", "Stop")

    review(codex, "session_start:0:0")
    assert to_review(codex, data, SCRIPT) == ("Stop",)

    review(codex, "session_start:0:0", "stop:0:0")
    assert to_review(codex, data, SCRIPT) == ()


def test_a_note_is_of_a_place_and_not_of_an_event(codex: Detection) -> None:
    review(codex, "stop:0:0")

    assert to_review(codex, hooks("Stop", before=1), SCRIPT) == ("Stop",)


def test_a_table_without_the_mark_is_no_review(codex: Detection) -> None:
    review(codex, "stop:0:0", mark="enabled = false")

    assert to_review(codex, hooks("Stop"), SCRIPT) == ("Stop",)


def test_a_note_by_the_real_path_counts(codex: Detection, home: Path) -> None:
    (home / "link").symlink_to(home / ".codex")
    review(codex, "stop:0:0")
    through = Detection(spec=SPEC, state="ok", config=home / "link/hooks.json", home=home)

    assert to_review(through, hooks("Stop"), SCRIPT) == ()


def test_what_an_edit_brought_or_changed_is_reviewed_again_whatever_the_notes_say(codex: Detection) -> None:
    assert codex.config is not None
    review(codex, "session_start:0:0", "stop:0:0")
    change = Change(path=codex.config, what="a test", edit=lambda data: data)

    def after(before: bytes | None, now: bytes) -> tuple[str, ...]:
        return to_review(codex, now, SCRIPT, edit=Edit(change, before, now))

    both = hooks("SessionStart", "Stop")
    assert after(None, both) == ("SessionStart", "Stop")
    assert after(hooks("SessionStart"), both) == ("Stop",)
    assert after(hooks("SessionStart", "Stop", timeout_s=9), both) == ("SessionStart", "Stop")
    assert after(both, both) == ()


@pytest.mark.parametrize(
    ("version", "asks"),
    [("0.125.0", False), ("0.130.0", True), ("0.169.0", True), ("0.170.0a1", True), ("", True)],
)
def test_older_versions_run_hooks_without_a_review(codex: Detection, version: str, asks: bool) -> None:
    codex = replace(codex, version=Version(version) if version else None)

    assert asks_for_review(codex) is asks
    assert to_review(codex, hooks("Stop"), SCRIPT) == (("Stop",) if asks else ())


def test_an_agent_that_asks_for_no_review_waits_for_none(codex: Detection, home: Path) -> None:
    spec = msgspec.structs.replace(SPEC, hooks=msgspec.structs.replace(SPEC.hooks, review=None))

    assert to_review(Detection(spec=spec, state="ok", config=codex.config), hooks("Stop"), SCRIPT) == ()
    assert to_review(codex, None, SCRIPT) == ()


@pytest.mark.parametrize("text", ["[hooks", "hooks = 3\n", "[hooks]\nstate = 3\n"])
def test_notes_that_cannot_be_read_are_none(codex: Detection, text: str) -> None:
    assert codex.config is not None
    codex.config.with_name("config.toml").write_text(text)

    assert to_review(codex, hooks("Stop"), SCRIPT) == ("Stop",)
