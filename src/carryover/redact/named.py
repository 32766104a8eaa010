"""Hides values whose name marks them as secret: `DB_PASSWORD=…`, `"apiKey": "…"`, `--token …`,
`<password>…</password>`.

A name alone proves little (`token = next_token()`, `password: str`), so how the value is written counts too: in quotes
or after an upper-case name it counts as a secret unless it is a dummy value; bare, in what may be code or a sentence,
only if it looks random. `changeme` and the like count as secrets, since they are in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from carryover.redact.assignments import Assignment, after_word, read_assignment
from carryover.redact.dummy_values import (
    is_dummy,
    is_filler,
    is_in_use,
    is_name_of_a_secret,
    is_path,
    is_random,
    is_scrambled,
    is_type_or_state,
)
from carryover.redact.redaction_marks import Span, insert_marks, lowered

_BEARER_TOKEN = "bearer_token_"
# `pass` and `pat` have several meanings: `db_pass` and `gh_pat` count, `pass` and `pat` do not.
_WORDS = {
    "pass": after_word("pass(?:(?=w|p|c)|(?<=[a-z_-]pass))(?:word|wd|phrase|code)?s?"),
    "pwd": after_word("pwd"),
    "secret": after_word("secrets?"),
    "token": after_word("tokens?(?:-[a-z0-9]{5}(?=:))?"),
    "credential": after_word("credentials?"),
    "key": after_word("keys?"),
    "oauth": after_word("oauth"),
    "_pat": after_word("_pat"),
    _BEARER_TOKEN: after_word(r"bearer_token_\w{1,30}"),
}
_KINDS = {"pass": "password", "pwd": "password", "token": "token", "_pat": "token", _BEARER_TOKEN: "token"}
_SECRET_KEYS = (
    *("api", "access", "private", "secret", "auth", "account", "app", "master", "admin", "consumer", "subscription"),
    *("encryption", "encrypt", "signing", "hmac", "jwt", "webhook", "license", "deploy"),
)
_PUBLIC_KEYS = frozenset(
    (
        *(
            "cache",
            "public",
            "pub",
            "ssh",
            "primary",
            "foreign",
            "partition",
            "sort",
            "range",
            "idempotency",
            "hash",
            "host",
        ),
        *(
            "object",
            "row",
            "site",
            "storage",
            "kms",
            "dedup",
            "group",
            "index",
            "query",
            "file",
            "content",
            "message",
            "s3",
        ),
    )
)
_NEAR = 48
_LONG_VALUE = re.compile(r"[^\n=]{0,40}?[^\s\"'`(){}<>]{20}")
_OWNERS_OF_A_PASS = ("db", "user", "store", "key")
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_AWS_SECRET = re.compile(r"[A-Za-z0-9/+]{40}")
_NUMBER = re.compile(r"[\d_.,:+\-]+(?:[smhd]|ms|px|[kmg]i?b?)?", re.IGNORECASE)
_SIGN = re.compile(r"[^a-z0-9]")
_WORKING_DIRECTORIES = {"PWD", "OLDPWD", "pwd"}


def hide_named(text: str, counts: dict[str, int]) -> str:
    """Replaces the values of secret names and keeps the names."""
    lower = lowered(text)
    spans = [span for word in _WORDS if word in lower for span in _spans(text, lower, word)]
    return insert_marks(text, spans, counts)


def _spans(text: str, lower: str, word: str) -> Iterator[Span]:
    done = 0
    for match in _WORDS[word].finditer(lower):
        if match.start() < done or (word == "pass" and not _means_a_password(text, lower, match)):
            continue
        sure = word != "key" or _means_a_secret(lower, match)
        if not sure and not _LONG_VALUE.match(text, match.end()):
            continue
        found = read_assignment(text, match)
        if found is None or not (sure or _is_key(found, text)):
            continue
        if not found.in_words:
            done = found.end  # examined only once: linear on any input
        if _is_aws(found):
            yield found.start, found.end, "aws"
        elif _is_secret(found, word):
            yield found.start, found.end, _KINDS.get(word, "secret")


def _means_a_password(text: str, lower: str, match: re.Match[str]) -> bool:
    """Whether `pass` in a name means a password: in `db_pass`, `smtpPass`, `dbpass`, `storepass`, not in `bypass`."""
    at = match.start()
    if match.start("close") - at > len("pass") + 1 or lower[at - 1 : at] in ("_", "-"):
        return True
    return (text[at] == "P" and text[at - 1].islower()) or lower[max(0, at - 5) : at].endswith(_OWNERS_OF_A_PASS)


def _is_key(found: Assignment, text: str) -> bool:
    """Whether the value shows that a key is secret although its name does not, such as `TRACKING_KEY`."""
    before = text[max(0, found.start - _NEAR) : found.start]
    parts = _PART.findall(before if found.in_words else found.name)
    bare = len(parts) < 2 and not before.endswith(("?key=", "&key="))
    public = any(part.lower() in _PUBLIC_KEYS for part in parts)
    many = found.name.lower().endswith("s")  # `--recv-keys` and the like name keys, which are public
    return not (bare or public or many or found.code) and is_scrambled(found.value, 20)


def _means_a_secret(lower: str, match: re.Match[str]) -> bool:
    """Whether a word with several meanings names a secret: `api_key` does, `key` does not."""
    before = lower[max(0, match.start() - 14) : match.start()]
    return before.rstrip("_-. ").endswith(_SECRET_KEYS)


def _is_aws(found: Assignment) -> bool:
    name = found.name.lower()
    return ("aws" in name or "secret" in name) and _AWS_SECRET.fullmatch(found.value) is not None


def _is_secret(found: Assignment, word: str) -> bool:
    value = found.value.strip()
    if is_dummy(value) or is_filler(value) or is_path(value) or is_type_or_state(value) or _repeats_name(found):
        return False
    if found.in_words or word == "oauth":
        return is_scrambled(value, 16 if word == "oauth" else 8) and not found.code and not is_name_of_a_secret(value)
    if found.separator in ("|", ";"):  # cells of a table, which describe more often than they hold a secret
        return is_random(value, 16) and not any(sign.isspace() for sign in value)
    if _NUMBER.fullmatch(value) and len(value) < 16:
        return value.isdigit() and len(value) >= 4 and found.name.lower().endswith(("word", "passwd", "pwd"))
    if any(character.isspace() for character in value[:256]):
        shell = found.quoted and found.glued and found.name.isupper()
        return (
            shell
            or "phrase" in found.name.lower()
            or any(is_random(part.strip(".,:;?!"), 6) for part in value[:256].split())
        )
    if found.quoted:
        return _is_quoted_secret(found, value, word)
    if found.code or (found.name in _WORKING_DIRECTORIES and not is_scrambled(value, 8)):
        return False
    if is_in_use(value) and found.own_line:
        return True
    return _is_upper_case_secret(found, value) if found.name.isupper() else _is_bare_secret(found, value, word)


def _repeats_name(found: Assignment) -> bool:
    """Whether the value is only the name of a field or variable: `API_KEY = "x-api-key"`, `password=password`."""
    name, value = (_SIGN.sub("", part[:80].lower()) for part in (found.name, found.value))
    return value in (name, f"x{name}")


def _is_quoted_secret(found: Assignment, value: str, word: str) -> bool:
    if word == "credential":  # `credentials: "same-origin"` is an option of fetch()
        return is_random(value, 8)
    if word == "token" and not found.name.isupper():  # parsers are full of `token = "identifier"`
        return is_random(value, 6) or len(value) >= 16 or is_in_use(value)
    return len(value) >= (3 if word in ("pass", "pwd") or found.name.isupper() else 4 if word == "secret" else 6)


def _is_upper_case_secret(found: Assignment, value: str) -> bool:
    if found.glued:
        return len(value) >= 3
    return is_random(value, 4) or (found.own_line and found.separator == ":" and len(value) >= 4)


def _is_bare_secret(found: Assignment, value: str, word: str) -> bool:
    if found.option:
        if word not in ("pass", "pwd") and is_name_of_a_secret(value):
            return False
        return is_random(value, 4) or len(value) >= (4 if found.glued else 14)
    if found.glued:
        return is_random(value, 6) or (found.own_line and len(value) >= 6)
    if found.name.lower().startswith("x-"):
        return is_random(value, 6) or (found.own_line and len(value) >= 8)
    if is_random(value, 10 if word == "token" else 6):
        return not (found.separator == "=" and value.lower().startswith(found.name.lower()))
    return word in ("pass", "pwd") and found.own_line and found.separator == ":" and value.islower() and len(value) >= 6
