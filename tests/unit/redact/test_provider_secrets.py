"""What share of the second list of secrets is hidden, in each notation, and that plain lines stay."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from carryover.redact import redact
from support.plain_lines import PLAIN
from support.provider_secrets import (
    ISSUED,
    ISSUED_FRAMES,
    NAMED,
    NAMED_FRAMES,
    PLACED,
    PLACED_FRAMES,
    WHOLE_LINE,
)
from support.secret_kinds import secrets

KINDS = 0.97
FORMS = 0.95
PLAIN_HIT = 0.005


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
    for kind, (text, parts) in secrets(ISSUED, seed=seed).items():
        frames = WHOLE_LINE if "://" in text or " " in text else ISSUED_FRAMES
        yield from ((kind, frame.replace("{}", text), parts) for frame in frames.values())
    names = dict(line.split(" ", 2)[:2] for line in NAMED.strip().splitlines())
    values = "\n".join(" ".join(line.split(" ", 2)[::2]) for line in NAMED.strip().splitlines())
    for kind, (text, parts) in secrets(values, seed=seed).items():
        frames = named(names[kind])
        yield from ((f"named {kind}", frame.replace("{}", text), parts) for frame in frames.values())
    for kind, (text, parts) in secrets(PLACED, seed=seed).items():
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
    lines = PLAIN.strip("\n").splitlines()

    hit = [line for line in lines if redact(line)[1]]

    assert len(lines) > 200
    assert len(hit) <= PLAIN_HIT * len(lines), hit


@pytest.mark.parametrize("value", ["changeme", "change-me", "letmein", "P@ssw0rd", "hunter2", "admin123", "s3cret"])
@pytest.mark.parametrize("name", ["secret", "token", "api_key", "client_secret", "passwd"])
@pytest.mark.parametrize("form", ['{} = "{}"', "{}: {}", "{} = {}", "{}={}", '"{}": "{}"', "const {} = '{}';"])
def test_passwords_that_everyone_knows_are_hidden(form: str, name: str, value: str) -> None:
    assert value not in redact(form.format(name, value))[0]


@pytest.mark.parametrize(
    "text",
    [
        "chatcmpl-9XyZabcDEFghIJKlmnOPqrSTuvW",
        "toolu_01A09q90qw90lq917835lq9",
        "resp_68b1e0c1f2a88193a4f5e6d7c8b9a0f1e2d3c4b5a6978899",
        "sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==",
        "node-cache-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "test_that_ParsesTheNewestVersionOfTheHandoff2_or_Version3",
        "the token is base64-encoded",
        "the password is argon2id-hashed",
        "gpg --recv-keys 108F52B48DB57BB0CC439B2997B01419BD92F80A",
        '<state key="GridCell.Tab.0.bottom.0.0.1920.1200" />',
    ],
)
def test_ids_and_hashes_and_words_stay(text: str) -> None:
    assert redact(text) == (text, {})


@pytest.mark.parametrize("text", ["tvly-" * 40_000, "a_b1" * 50_000, "the token is " * 20_000, "a-1" + "-Ab2" * 60_000])
def test_hostile_texts_are_read_in_linear_time(text: str) -> None:
    assert isinstance(redact(text)[0], str)
