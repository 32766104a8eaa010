"""What share of the second list of secrets is hidden, in each notation, and that plain lines stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from carryover.redact import redact
from support.secret_forms import forms as listed
from support.secret_forms import secrets

KINDS = 0.97
FORMS = 0.95
PLAIN_HIT = 0.005

ISSUED_FRAMES: Final = {
    "env": "UPSTREAM={}",
    "json": '{"value": "{}", "n": 1}',
    "yaml": "  value: {}",
    "header": "X-Custom: {}",
    "url": "https://api.example.com/v1?x={}&page=2",
    "command": "tool run --with {} --now",
    "prose": "I pasted {} by mistake",
    "code": "connect('{}', 3)",
}
WHOLE_LINE: Final = {"env": "{}", "json": '{"value": "{}"}', "prose": "see {} there", "command": "$ {}"}
"""Frames of a form that is a line or a URL itself."""

NAMED_FRAMES: Final = {
    "env": "{UPPER}={}",
    "json": '{"{camel}": "{}", "n": 1}',
    "yaml": "  {snake}: {}",
    "header": "X-{Kebab}: {}",
    "url": "https://api.example.com/v1?{snake}={}&page=2",
    "command": "tool run --{kebab} {} --now",
    "prose": "The {words} is {} for now",
    "code": 'const {camel} = "{}";',
}
PLACED_FRAMES: Final = {
    "plain": "{}",
    "shell": "first\n$ {}\nlast",
    "prose": "Run `{}` now",
    "json": '{"command": "{escaped}", "n": 1}',
}


def named(name: str) -> dict[str, str]:
    first, *rest = name.split("_")
    spelled = {
        "UPPER": name.upper(),
        "snake": name,
        "camel": first + "".join(part.title() for part in rest),
        "kebab": name.replace("_", "-"),
        "Kebab": "-".join(part.title() for part in name.split("_")),
        "words": name.replace("_", " "),
    }
    frames = dict(NAMED_FRAMES)
    for spelling, text in spelled.items():
        frames = {frame: shape.replace(f"{{{spelling}}}", text) for frame, shape in frames.items()}
    return frames


def forms(seed: int) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Kind, text and the secret parts of it."""
    for kind, (text, parts) in secrets(listed("issued-by-providers"), seed=seed).items():
        frames = WHOLE_LINE if "://" in text or " " in text else ISSUED_FRAMES
        yield from ((kind, frame.replace("{}", text), parts) for frame in frames.values())
    given = [line.split(" ", 2) for line in listed("names").splitlines()]
    names = {kind: name for kind, name, _ in given}
    values = "\n".join(f"{kind} {value}" for kind, _, value in given)
    for kind, (text, parts) in secrets(values, seed=seed).items():
        frames = named(names[kind])
        yield from ((f"named {kind}", frame.replace("{}", text), parts) for frame in frames.values())
    for kind, (text, parts) in secrets(listed("placed"), seed=seed).items():
        for frame in PLACED_FRAMES.values():
            shown = frame.replace("{escaped}", json.dumps(text)[1:-1]).replace("{}", text)
            yield f"placed {kind}", shown, parts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_secrets_of_providers_are_hidden(seed: int) -> None:
    """A kind counts as hidden when it is in each of its forms."""
    made = list(forms(seed))

    seen = [(kind, text) for kind, text, parts in made if any(part in redact(text)[0] for part in parts)]

    kinds = {kind for kind, _, _ in made}
    known = kinds - {kind for kind, _ in seen}
    assert len(known) >= KINDS * len(kinds), seen
    assert len(seen) <= (1 - FORMS) * len(made), seen


def test_plain_lines_stay() -> None:
    lines = listed("plain").splitlines()

    hit = [line for line in lines if redact(line)[1]]

    assert len(lines) > 200
    assert len(hit) <= PLAIN_HIT * len(lines), hit


@pytest.mark.parametrize("value", ["changeme", "change-me", "letmein", "P@ssw0rd", "hunter2", "admin123", "s3cret"])
@pytest.mark.parametrize("name", ["secret", "token", "api_key", "client_secret", "passwd"])
@pytest.mark.parametrize("form", ['{} = "{}"', "{}: {}", "{} = {}", "{}={}", '"{}": "{}"', "const {} = '{}';"])
def test_passwords_that_everyone_knows_are_hidden(form: str, name: str, value: str) -> None:
    assert value not in redact(form.format(name, value))[0]
