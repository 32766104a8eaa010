"""What `make night` runs, keeps and reports."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import yaml

from night import record
from night.newest import issue
from night.record import Found, Result
from night.shapes import of_folder, shapes_of
from night.steps import STEPS, Night
from support.clone import CHECKOUT

FOUND = Found("a" * 40, 7, "2026-11-23 02:17 UTC")


def test_every_step_is_a_target_of_make_and_all_fit_into_six_hours() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert {step.make[0] for step in STEPS} <= targets
    assert sum(step.minutes for step in STEPS) <= 6 * 60


def test_the_nightly_workflow_has_a_job_for_every_step() -> None:
    workflow = yaml.safe_load((CHECKOUT / ".github/workflows/nightly.yml").read_text(encoding="utf-8"))

    assert workflow["jobs"]["night"]["strategy"]["matrix"]["step"] == [step.name for step in STEPS]


def test_what_was_not_run_is_no_failure_and_is_reported_with_its_reason() -> None:
    not_run = replace(FOUND, results=(Result("agents", "not run", "make test-agents-newest", why="needs npm"),))
    failed = replace(FOUND, results=(Result("chaos", "took too long", "make chaos", 30.0, end=("step 12",)),))

    assert (not_run.held, failed.held) == (True, False)
    page = record.page(not_run, [("agents", "facts"), ("chaos", "losses")])
    assert "| agents | facts | **not run** |  |" in page
    assert "| chaos | losses | to come |  |" in page
    assert "Not run: needs npm." in page
    assert "`make chaos`: took too long.\n\n```\nstep 12\n```" in record.page(failed, [("chaos", "losses")])


def test_a_step_without_its_sessions_is_not_run(tmp_path: Path) -> None:
    takeover = next(step for step in STEPS if step.name == "takeover")

    assert "make takeover-fetch" in takeover.why_not(Night(1, tmp_path / "none"))
    (tmp_path / "session.jsonl").touch()
    assert takeover.why_not(Night(1, tmp_path)) == ""


def test_shapes_name_fields_and_no_content(tmp_path: Path) -> None:
    secret = {"type": "user", "message": {"role": "user", "content": [{"text": "the plan"}]}, "a/path": 1}

    assert sorted(shapes_of([json.dumps(secret), "torn {"])) == [
        "user,user.* int",
        "user,user.message.content[].text str",
        "user,user.message.role str",
        "user,user.type str",
    ]
    (tmp_path / ".agent").mkdir()
    (tmp_path / ".agent" / "s.jsonl").write_text('{"type": "end"}\n')
    (tmp_path / ".carryover").mkdir()
    (tmp_path / ".carryover" / "s.jsonl").write_text('{"ours": 1}\n')
    assert of_folder(tmp_path) == [".agent: end.type str"]


def test_nothing_that_a_client_wrote_is_markup_in_the_issue_about_it() -> None:
    hostile = "`x` ``` @team #1 <img src=//evil> [a](//evil) \x1b[2J\u202e"
    failures = [(f"lab/real_agents/test_sessions.py::test_a[{hostile}]", hostile)]

    text = issue("Pi", "1.2.4", "1.2.3", failures, [f"+ {hostile}", "```", "~~~", *["+ a field"] * 10_000])

    title, _, _, _, row, _, _, _, *block = text.rstrip("\n").split("\n")
    assert title == "Pi 1.2.4 breaks 1 rows"
    assert [row.count("`"), row[:3], row[-1]] == [4, "- `", "`"], "two spans of code, whole"
    fence = block[0].removesuffix("diff")
    assert (len(fence), block[-1]) == (4, fence)
    assert not any(line.startswith(fence) for line in block[1:-1])
    assert not any(sign in text for sign in ("\x1b", "\u202e"))
    assert len(text) < 65_536
    assert "9803 more" in text
