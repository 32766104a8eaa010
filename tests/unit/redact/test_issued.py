"""What share of the kinds of secrets that scanners and providers know is hidden, and that ordinary lines are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import carryover
from carryover.redact import redact
from support.by_day import one_in
from support.costs import costing_much
from support.secret_forms import forms as listed
from support.secret_forms import secrets

FRAMES = ("{}", "use {} for it", "TOKEN={}", '"{}",', "first\\n{}\\nlast", "@@ -1 +1 @@\n-{}\n+{}\n")
COMMAND_FRAMES = ("{}", "$ {}\n", "Run `{}` now")
IDS_AROUND = {"az-login"}
"""Kinds whose first and last random parts are ids, not secrets."""


def stays(kind: str, text: str, parts: tuple[str, ...]) -> bool:
    hidden = redact(text)[0]
    return any(part in hidden for part in (parts[1:-1] if kind in IDS_AROUND else parts))


@pytest.mark.parametrize(
    ("name", "frames", "known"),
    [
        ("issued", FRAMES, {"okta"}),  # 42 letters and digits after `00`: only a name tells them from other ids
        ("named", ("{}",), {"sidekiq"}),  # a name that says nothing
        ("commands", COMMAND_FRAMES, set()),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_kinds_of_secrets_are_hidden(name: str, frames: tuple[str, ...], known: set[str], seed: int) -> None:
    made = secrets(listed(name), seed=seed).items()
    framed = ((kind, frame.replace("{}", text), parts) for kind, (text, parts) in made for frame in frames)

    assert {kind for kind, text, parts in framed if stays(kind, text, parts)} == known


def test_ordinary_lines_are_left_alone() -> None:
    """The lines of this program: names and types of every kind, and no secret."""
    files = sorted(Path(carryover.__file__).parent.rglob("*.py"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]

    step = one_in(4)
    hit = [line for line in lines[::step] if redact(line)[1]]

    assert len(hit) <= 0.001 * len(lines) / step, hit


HOSTILE: Final = (
    "curl " * 10_000,
    "curl -u a:" + "b" * 50_000,
    "docker login " * 5_000,
    "a:1:b:c:" * 7_500,
    "A" * 75_000,
    *(f"{program}{' ' * 50_000}" for program in ("curl", "mysql", "az login", "http")),
    "htpasswd -" + "b" * 50_000,
    '_auth="' * 7_500,
    "_auth" + " " * 50_000,
    ":a" * 25_000 + "@tcp(",
    "TOKEN {" * 7_500 + "TOKEN {" + " " * 50_000,
    "pass: " * 10_000 + "pass" + " " * 50_000,
    "auth=('" + "b', '" * 12_500,
    "Password" + " " * 50_000 + ".fill",
    "[redacted:aws]\t" + "a" * 50_000,
    "IDENTIFIED WITH " * 5_000 + "IDENTIFIED WITH" + " " * 50_000,
    '"TOKEN", ' * 5_000 + '"TOKEN",' + " " * 50_000,
    '"httpOnly", "value":"' * 5_000 + "\\" * 50_000,
    "\tTRUE\t1\t" * 5_000 + "a" * 50_000,
    "API 키" * 10_000 + "api " + "키" * 50_000,
    "api ключ " + "a" * 50_000 + "(",
    "\x1b[0" + ";1" * 25_000 + "[0m",
    "\x1b]" * 15_000,
    "\\u20" * 7_500 + "0b" * 7_500,
    "[redacted:token]" + "\\u200b" * 7_500,
    "curl" + " \\\n" * 15_000,
    "htpasswd -b" + " -b" * 15_000,
    "ALTER USER " * 5_000 + "PASSWORD '",
    "host=a " * 10_000 + "password=",
    '"random_password" {' * 5_000,
    "cookies={" * 5_000 + "PHPSESSID=" * 5_000,
    "_ga=;" + " a=;" * 15_000 + " a=" + "b" * 50_000,
    "_ga= " + "(a=" * 15_000,
    "ACL SETUSER a " * 5_000,
    "insert into a (password) values (" * 2_500,
    "insert into a (password) values " + "('" * 12_500,
    "insert into a (b, password) values " + "(1, 'c')," * 5_000,
    'element": "Password", ' * 2_500,
    "[redacted:token]" + " " * 50_000,
    "[redacted:token]\n" + "a" * 50_000,
    'textbox "Password"' + " [ref=e1]" * 5_000,
)


def test_hostile_texts_cost_no_more_than_their_length() -> None:
    assert costing_much(redact, HOSTILE) == []


PLAIN_HIT = 0.005
NOT_HIDDEN: Final = {"ably", "named steam", "placed prose-as"}
"""Kinds that are not hidden in some form with some seed, since too much other text looks like them."""
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


@pytest.mark.parametrize("seed", [1, 2])
def test_secrets_of_providers_are_hidden(seed: int) -> None:
    """A kind counts as hidden when it is in each of its forms."""
    seen = {(kind, text) for kind, text, parts in forms(seed) if any(part in redact(text)[0] for part in parts)}

    assert {(kind, text) for kind, text in seen if kind not in NOT_HIDDEN} == set()


def test_plain_lines_stay() -> None:
    lines = listed("plain").splitlines()

    hit = [line for line in lines if redact(line)[1]]

    assert len(lines) > 200
    assert len(hit) <= PLAIN_HIT * len(lines), hit


@pytest.mark.parametrize("value", ["changeme", "change-me", "letmein", "P@ssw0rd", "hunter2", "admin123", "s3cret"])
def test_passwords_that_everyone_knows_are_hidden(value: str) -> None:
    names = ("secret", "token", "api_key", "client_secret", "passwd")
    forms = ('{} = "{}"', "{}: {}", "{} = {}", "{}={}", '"{}": "{}"', "const {} = '{}';")
    texts = [form.format(name, value) for name in names for form in forms]

    assert [text for text in texts if value in redact(text)[0]] == []
