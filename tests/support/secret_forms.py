"""Kinds of secrets, by the forms that the public rule sets of secret scanners describe (prefix, alphabet, length).

In a form, `{w36}` are 36 letters and digits, `{b}` also `-_`, `{s}` also `+/`, `{h}` hexadecimal, `{l}` lower-case
letters and digits, `{U}` upper-case ones, `{d}` digits and `{u}` is a UUID. Secrets are made when a test runs, so that
no scanner takes them for real.
"""

import json
import random
import re
import string
from pathlib import Path
from typing import Any, Final

_ALPHABETS: Final = {
    "w": string.ascii_letters + string.digits,
    "b": string.ascii_letters + string.digits + "-_",
    "s": string.ascii_letters + string.digits + "+/",
    "h": string.digits + "abcdef",
    "l": string.ascii_lowercase + string.digits,
    "U": string.ascii_uppercase + string.digits,
    "d": string.digits,
}
_PART: Final = re.compile(r"\{([wbshlUdu])(\d*)\}")

FORMS: Final = Path(__file__).parents[1] / "unit" / "redact" / "forms"


def forms(name: str) -> str:
    """Returns a list of forms, one per line: the kind, then the text.

    `issued`, `named`, `commands`: what scanners know. `issued-by-providers`, `names`, `placed`: what providers
    document, written down before any rule for it. `plain`: lines without a secret.
    """
    return (FORMS / f"{name}.txt").read_text(encoding="utf-8")


def json_lines(name: str) -> list[Any]:
    """Returns a list of texts: `hidden`, each with what becomes of it; `stays`, without a secret."""
    return [json.loads(line) for line in (FORMS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def secrets(forms: str, *, seed: int) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Returns by kind a text with a secret in it, and the random parts (8 signs and more) that must not stay."""
    chance = random.Random(seed)
    made = {}
    for line in forms.strip().splitlines():
        kind, _, form = line.partition(" ")
        parts: list[str] = []

        def fill(match: re.Match[str], parts: list[str] = parts) -> str:
            part = _random(chance, match[1], int(match[2] or 0))
            parts.append(part)
            return part

        text = _PART.sub(fill, form.replace("\\n", "\n").replace('\\\\"', '\\"'))
        made[kind] = (text, tuple(part for part in parts if len(part) >= 8))
    return made


def _random(chance: random.Random, alphabet: str, length: int) -> str:
    if alphabet == "u":
        return "-".join(_random(chance, "h", part) for part in (8, 4, 4, 4, 12))
    signs = "".join(chance.choice(_ALPHABETS[alphabet]) for _ in range(length))
    if length < 8 or alphabet == "d":
        return signs
    letter = chance.choice("BCDEF" if alphabet == "U" else "bcdef")  # real ones hold a letter and a digit
    return f"{signs[:-2]}{letter}7"
