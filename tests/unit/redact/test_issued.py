"""How many of the kinds of secrets that scanners know are hidden, and that ordinary lines are not."""

from __future__ import annotations

from pathlib import Path

import pytest

import carryover
from carryover.redact import redact
from support.secret_forms import forms as listed
from support.secret_forms import secrets

FRAMES = ("{}", "use {} for it", "TOKEN={}", '"{}",', "first\\n{}\\nlast")
COMMAND_FRAMES = ("{}", "$ {}\n", "Run `{}` now")
IDS_AROUND = {"az-login"}
"""Kinds whose first and last random parts are ids, not secrets."""


def stays(kind: str, text: str, parts: tuple[str, ...]) -> bool:
    hidden = redact(text)[0]
    secret = parts[1:-1] if kind in IDS_AROUND else parts
    return any(part in hidden for part in secret)


@pytest.mark.parametrize(
    ("forms", "frames", "known"),
    [
        ("issued", FRAMES, {"okta"}),  # 42 letters and digits after `00`: only a name tells them from other ids
        ("named", ("{}",), {"sidekiq"}),  # a name that says nothing
        ("commands", COMMAND_FRAMES, set()),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_kinds_of_secrets_are_hidden(forms: str, frames: tuple[str, ...], known: set[str], seed: int) -> None:
    made = secrets(listed(forms), seed=seed)

    missed = {
        kind
        for kind, (text, parts) in made.items()
        for frame in frames
        if stays(kind, frame.replace("{}", text), parts)
    }

    assert missed == known


def test_ordinary_lines_are_left_alone() -> None:
    """The lines of this program: names and types of every kind, and no secret."""
    files = sorted(Path(carryover.__file__).parent.rglob("*.py"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]

    hit = [line for line in lines if redact(line)[1]]

    assert len(hit) <= 0.001 * len(lines), hit


@pytest.mark.parametrize(
    "text",
    ["curl " * 40_000, "curl -u a:" + "b" * 200_000, "docker login " * 20_000, "a:1:b:c:" * 30_000, "A" * 300_000],
)
def test_hostile_texts_are_read_to_the_end(text: str) -> None:
    """A pattern that backtracks would run into the suite's time limit here."""
    assert isinstance(redact(text)[0], str)
