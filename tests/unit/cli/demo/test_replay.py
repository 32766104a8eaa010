from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carryover.cli.demo.replay import FIRST_FILES, RECORDED_PROJECT, make_project, replay


@pytest.fixture
def project(home: Path) -> Path:
    root = home / 'my "shop"'
    make_project(root, os.environ)
    return root


def records(claude_home: Path) -> list[dict[str, Any]]:
    transcripts = sorted(claude_home.glob("projects/*/*.jsonl"))
    return [json.loads(line) for path in transcripts for line in path.read_bytes().splitlines()]


def test_transcripts_lie_where_claude_code_would_put_them(home: Path, project: Path) -> None:
    replay(home / ".claude", project)

    slug = "".join(char if char.isascii() and char.isalnum() else "-" for char in str(project))
    assert sorted(path.relative_to(home / ".claude") for path in (home / ".claude").rglob("*.jsonl")) == [
        Path("projects", slug, f"c0de0000-0000-4000-8000-0000000000{number}.jsonl") for number in ("01", "12")
    ]


def test_the_records_speak_of_this_project_and_of_now(home: Path, project: Path) -> None:
    begin = datetime.now(UTC) - timedelta(milliseconds=1)
    replay(home / ".claude", project)
    end = datetime.now(UTC)

    found = records(home / ".claude")
    assert {record["cwd"] for record in found if "cwd" in record} == {str(project)}
    assert RECORDED_PROJECT not in json.dumps(found)
    times = [datetime.fromisoformat(record["timestamp"]) for record in found if "timestamp" in record]
    assert times == sorted(times)
    assert begin <= times[0] <= times[-1] <= end


def test_the_edits_of_the_recording_really_happen(home: Path, project: Path) -> None:
    replay(home / ".claude", project)

    changed = subprocess.run(["git", "status", "--short"], cwd=project, capture_output=True, text=True, check=True)
    assert changed.stdout == " M cart.py\n?? checkout.py\n?? test_cart.py\n"
    assert (project / "cart.py").read_text() == (
        f"{FIRST_FILES['cart.py']}\n\ndef discount(amount, percent):\n    return amount * (100 - percent) / 100\n"
    )


def test_the_recording_holds_no_path_of_the_machine_it_was_made_on(home: Path, project: Path) -> None:
    replay(home / ".claude", project)

    assert "/home/dev" not in json.dumps(records(home / ".claude"))
