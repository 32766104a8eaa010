"""Hides values whose name marks them as secret. In quotes or after an upper-case name any value but a dummy one counts;
bare, in what may be code or a sentence, it must look random. `changeme` and the like count, since they are in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from carryover.redact import values
from carryover.redact.assignments import LONGEST_IN_WORDS, QUOTES, Assignment, after_word, read_assignment
from carryover.redact.cookies import OF_SITES, SIGNS_OF_LIST, values_of_cookies
from carryover.redact.hints import Looked
from carryover.redact.logins import (
    FOR_PASSWORDS,
    ends_sentence,
    keys_in_words,
    passwords_answered,
    passwords_behind_clave,
    passwords_behind_pass,
    passwords_behind_words,
    passwords_in_backquotes,
    passwords_of_addresses,
    passwords_of_logins,
    passwords_said_first,
)
from carryover.redact.manifests import values_marked_sensitive, values_of_secrets
from carryover.redact.seed_phrases import seed_phrases
from carryover.redact.tables import values_in_columns, values_in_inserts, values_in_rows
from carryover.redact.values import (
    PASSWORDS,
    Span,
    insert_marks,
    is_in_use,
    is_mixed,
    is_name_of_a_secret,
    is_said_password,
    is_scrambled,
    is_strong,
    is_technical,
)
from carryover.text.pattern import later

_BEARER_TOKEN = "bearer_token_"
# In these languages its owner comes after it: `Пароль БД: …`, `senha do banco = …`; in English, another thing's name.
_OWNED = ("contraseña", "contrasena", "senha", "пароль")
_OWNER = r"(?:(?: [^\W\d_]{1,16}){1,2}(?=[*_]{0,2}[:：]|[ \t]?=(?![=>])))?"
_PASS = "pass(?:(?=w|p|c|ow?rd)|(?<=[a-z_-]pass)|(?<=mot de pass))"  # also `passwod` and the like, mistyped
# `pass` and `pat` have several meanings: `db_pass` and `gh_pat` count, `pass` and `pat` do not.
_WORDS = {
    "pass": after_word(_PASS + "(?:wor?[dt]|wrod|ow?rd|wd|phrase|code|e)?s?"),
    **{word: after_word(f"{word}d?" if word in ("pw", "psw") else word) for word in PASSWORDS},
    **{word: after_word(word + _OWNER) for word in _OWNED},
    "secret": after_word("secrets?"),
    "token": after_word("tokens?(?:-[a-z0-9]{5}(?=:))?"),
    "credential": after_word("credentials?"),
    "key": after_word("keys?"),
    "oauth": after_word("oauth"),
    "pat": after_word("pat(?![ht])"),
    _BEARER_TOKEN: after_word(r"bearer_token_\w{1,30}"),
}
_KINDS = {
    **dict.fromkeys(("pass", *PASSWORDS), "password"),
    **dict.fromkeys(("token", "pat", _BEARER_TOKEN), "token"),
}
_SECRET_KEYS = tuple(
    "api access private secret auth account app master admin consumer subscription encryption encrypt signing hmac jwt"
    " webhook license deploy".split()
)
_PUBLIC_KEYS = frozenset(
    "cache public pub ssh primary foreign partition sort range idempotency hash host object row site kms dedup"
    " group index query file content message s3 socket".split()
)
_LONG_RUN = later(r"[A-Za-z0-9_+/=-]{20}")
_OPAQUE = later(r"(?<![.@:])[A-Za-z0-9_+/=-]{20,256}+(?![\w./(\[])")
# What stands before a value that is not the one of the name: a mark, another name, a word for something public.
_OF_ANOTHER = later(
    r"(?i)\[redacted:|public|finger|sha\d|md5|hash|digest|commit|check|integrity|ssh|etag|nonce|[a-z]id\b|://"
    r"|(?<![\w-])(?!default|(?:parameter)?value|content|string|str|body|provided|field)\w+[\"']?[ \t]?[=:&]"
)
_OF_ANOTHERS = later(r"\bof [^\n.,:;]{1,32}\Z")  # `the maximum length of a password is 1024`
_EXPANSION = later(r"\$\{\w+:-[^{}]{1,200}\}?\Z")  # of a shell's word, the last sign is left out
_MARKS = (values.MARK, f"{values.MARK}url-")
_NEAR = 48
_TELLING = 512  # what tells is at a value's beginning, and the rest may hold many more names
_LEAST_OF_SIGNS = 24
_LONG_VALUE = later(r"[^\s\"'`(){}<>]{20}")
_KEY_AFTER_WORD = later(r"[A-Za-z][A-Za-z&.]+ [Kk]ey: ")
_OWNERS_OF_A_PASS = (*"db user store key root admin sql pg smtp mail ftp ldap redis".split(), "mot de ")
_PART = later(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_AWS_NAME = later("aws|secret")
_AWS_SECRET = later(r"[A-Za-z0-9/+]{40}")
_NUMBER = later(r"[\d_.,:+\-]+(?:[smhd]|ms|px|[kmg]i?b?)?", re.IGNORECASE)
_SIGN = later(r"[^a-z0-9]")
_WORKING_DIRECTORIES = {"PWD", "OLDPWD", "pwd"}


_WAYS: Final = (
    (passwords_of_logins, (" / ",)),
    (passwords_of_addresses, ("@",)),
    (passwords_said_first, ("passwor", "contraseña", "passcode")),
    (passwords_in_backquotes, ("passwor", "contraseña", "пароль", "密码", "パスワード", "비밀번호")),
    (passwords_behind_words, FOR_PASSWORDS),
    (passwords_behind_clave, ("clave",)),
    (passwords_behind_pass, ("pass",)),
    (keys_in_words, ("api",)),
    (
        values_of_cookies,
        ("httponly", "curl", "\ttrue\t", "\tfalse\t", "cookies", "connect.sid", "sessi", *SIGNS_OF_LIST, *OF_SITES),
    ),
    (values_of_secrets, ("secret",)),
    (values_marked_sensitive, ("sensitive",)),
    (values_in_inserts, ("insert into ",)),
    (values_in_rows, (",http", ',"http', ',\\"http')),
    (seed_phrases, ("mnemonic", "seed", "phrase")),
)
"""What else finds values, and what a text must have one of, in lower case, to have such a value."""
NAME_HINTS: Final = frozenset((*_WORDS, *(hint for _, hints in _WAYS for hint in hints)))


def hide_named(looked: Looked, counts: dict[str, int]) -> str:
    """Replaces the values of secret names and keeps the names."""
    text, lower, hints = looked
    here = [word for word in _WORDS if word in hints]
    spans = [span for word in here for span in _spans(text, lower, word)]
    others = (span for way, needed in _WAYS if not hints.isdisjoint(needed) for span in way(text, lower))
    columns = values_in_columns(text, lower, here) if here and ("\n" in text or "\\n" in text) else ()
    return insert_marks(text, [*spans, *others, *passwords_answered(text), *columns], counts)


def _spans(text: str, lower: str, word: str) -> Iterator[Span]:
    done = 0
    for match in _WORDS[word].finditer(lower):
        if (
            match.start() < done
            or lower.endswith(_MARKS, 0, match.start())
            or not _has_that_meaning(word, text, lower, match)
        ):
            continue
        # `api_key` names a secret, `key` does not.
        sure = word != "key" or lower[max(0, match.start() - 14) : match.start()].rstrip("_-. ").endswith(_SECRET_KEYS)
        if not sure and not _LONG_VALUE.search(text, match.end(), match.end() + _NEAR + 20):
            continue
        if not sure and not _is_key(read_assignment(text, match, _TELLING), text):
            continue
        found = read_assignment(text, match)
        kind = None
        if found is not None:
            is_short = found.in_words and len(found.value) <= LONGEST_IN_WORDS
            if not is_short and not _EXPANSION.match(found.value, 0, LONGEST_IN_WORDS):
                done = found.end  # examined only once: linear on any input
            kind = _kind(found, word) or ("password" if _is_said_number(found, word, text) else None)
        if found is not None and kind is not None:
            yield found.start, found.end, kind
        elif sure and not _names_a_list(match) and (near := _opaque_near(text, match)):
            yield *near, _KINDS.get(word, "secret")


def _names_a_list(word: re.Match[str]) -> bool:
    """Whether a list of other things comes below: `### Tokens`."""
    return word["heading"] is not None and word.string[word.start("close") - 1] == "s"


def _kind(found: Assignment, word: str) -> str | None:
    if _AWS_NAME.search(found.name.lower()) and _AWS_SECRET.fullmatch(found.value):
        return "aws"
    return _KINDS.get(word, "secret") if _is_secret(found, word) else None


def _is_said_number(found: Assignment, word: str, text: str) -> bool:
    """Whether a sentence ends with a number that it calls the password: `my password is 645866.`, but not `the password
    is 2048 bits long`, nor `password 645866`."""
    is_number = found.in_words and _KINDS.get(word) == "password" and found.value.isdigit() and len(found.value) >= 4
    is_number = is_number and not found.name.lower().endswith("s")  # `the number of passwords is 5000`
    link = text[max(0, found.start - _NEAR) : found.start].rstrip(" \t\"'`")
    is_number = is_number and not _OF_ANOTHERS.search(link)
    return is_number and not link.endswith(found.name) and ends_sentence(text, found.end)


def _opaque_near(text: str, word: re.Match[str]) -> tuple[int, int] | None:
    """Returns the place of what can only be a generated value, close behind a name: `secret (v)`, `apiKey = @"v"`,
    `"--token", default="v"`."""
    begin = word.end("close")
    run = _LONG_RUN.search(text, begin, begin + _NEAR + 20)
    value = _OPAQUE.match(text, run.start()) if run else None
    if value is None or not values.is_opaque(value[0], or_hash=text[value.start() - 1] in QUOTES):
        return None
    between = text[begin : value.start()]
    if "\n" in between.strip(": \t\r\n") or between.count("\n") > 1 or _OF_ANOTHER.search(between):
        return None
    return value.span()


_NO_PASSWORD = later(r"pass(?:es|ed|ing)\b|(?<=1)(?<![\w-]1)password")
"""A verb, or the program 1Password; not the end of `user1password`."""


def _has_that_meaning(word: str, text: str, lower: str, match: re.Match[str]) -> bool:
    """Whether `pass` in a name means a password: in `db_pass`, `smtpPass`, `dbpass`, `storepass`, not in `bypass`; and
    `pat` a token: in `gh_pat`, `ghPat`, not in `pat`."""
    at = match.start()
    if (word == "pass" and _NO_PASSWORD.match(lower, at)) or (word == "token" and lower.endswith("publickey", 0, at)):
        return False  # .NET's assemblies are named with a hash of their public key
    if word not in ("pass", "pat") or match.start("close") - at > len("pass") + 1 or lower[at - 1 : at] in ("_", "-"):
        return True
    if (text[at] == "P" and text[at - 1 : at].islower()) or (word == "pat" and lower[at - 1 : at] == "."):
        return True
    return word == "pass" and lower[max(0, at - 7) : at].endswith(_OWNERS_OF_A_PASS)


def _is_key(found: Assignment | None, text: str) -> bool:
    """Whether the value shows that a key is secret although its name does not, such as `TRACKING_KEY`."""
    if found is None:
        return False
    before = text[max(0, found.start - _NEAR) : found.start]
    phrase = before[before.rfind("\n") + 1 :]
    in_phrase = found.in_words or _KEY_AFTER_WORD.search(phrase) is not None  # `my Mistral key: …`
    parts = [part.lower() for part in _PART.findall(phrase if in_phrase else found.name)]
    bare = len(parts) < 2 and not before.endswith(("?key=", "&key="))
    many = found.name.lower().endswith("s")  # `--recv-keys` and the like name keys, which are public
    of_row = found.name.isalnum() and len(parts) > 1 and values.is_uuid(found.value)  # `"CustomerKey": "…"`
    return not (bare or many or of_row or found.code or _PUBLIC_KEYS.intersection(parts)) and is_scrambled(
        found.value, 20
    )


_HARMLESS = (
    *(values.is_dummy, values.is_filler, values.is_path, values.is_type_or_state, values.is_said_state),
    values.is_name_of_a_variable,
)


def _is_secret(found: Assignment, word: str) -> bool:
    value = found.value.strip().replace("\\ ", "_")  # such a blank is part of a shell's word
    if any(harmless(value) for harmless in _HARMLESS):
        return False
    sort = "pass" if _KINDS.get(word) == "password" else word
    if sort != "pass" and (values.is_address(value) or (sort != "secret" and values.is_foreign_word(value))):
        return False
    if not any(sign.isalnum() for sign in value):
        return False
    is_library = found.separator == ":" and "." in found.name and values.is_version_of_library(value)
    if is_library and sort != "pass":  # a setting, not a library: `spring.datasource.password: …`
        return False
    if _repeats_name(found) and not (found.in_words and is_scrambled(value, 8)):
        return False
    if found.in_words or word == "oauth":
        return _is_secret_in_words(found, value, sort)
    if found.separator == "cells":
        return _is_secret_in_cell(value, sort)
    if found.separator == "compared":
        return found.quoted and sort == "pass" and is_said_password(value)
    if found.separator == "default":
        return found.quoted and " " not in value and (is_mixed(value, 8) or is_in_use(value))
    if value.isdigit() and len(value) >= 4 and found.name.lower().endswith(("word", "passwd", "pwd")):
        return True
    if _NUMBER.fullmatch(value) and len(value) < 16:
        return False
    if any(character.isspace() for character in value[:256]):
        return _is_passphrase(found, value)
    if found.quoted:
        return _is_quoted_secret(found, value, sort)
    if found.code or (found.name in _WORKING_DIRECTORIES and not is_scrambled(value, 8)):
        return False
    if is_in_use(value) and found.own_line:
        return True
    if not found.name.isupper():
        return _is_bare_secret(found, value, sort)
    if found.glued:
        return len(value) >= 3
    return is_mixed(value, 4) or (found.own_line and found.separator == ":" and len(value) >= 4)


def _is_secret_in_words(found: Assignment, value: str, word: str) -> bool:
    if found.code or is_name_of_a_secret(value):
        return False
    if found.quoted and found.name.startswith("-") and is_mixed(value, 6) and "=" not in value:
        return not (value.startswith("-") or is_technical(value))  # `["--api-key", "..."]`, the arguments of a program
    if is_scrambled(value, 16 if word == "oauth" else 8) or (word == "pass" and is_said_password(value)):
        return True
    return found.quoted and len(value) >= _LEAST_OF_SIGNS and is_strong(value)


def _is_secret_in_cell(value: str, word: str) -> bool:
    """Whether a table's cell holds a secret; more often it describes one. In quotes it may be several cells, or a
    pattern: `"password|secret_key|auth.*token"`."""
    if any(sign.isspace() for sign in value):
        return False
    is_long = word == "pass" or is_mixed(value, 16)  # the sign may also be one of the secret's own
    return any(
        is_mixed(cell, 16) or (is_long and is_scrambled(cell, 8)) or (word == "pass" and is_said_password(cell))
        for cell in value.split("|")
    )


def _is_passphrase(found: Assignment, value: str) -> bool:
    if (found.quoted and found.glued and found.name.isupper()) or "phrase" in found.name.lower():
        return True
    return any(is_mixed(part.strip(".,:;?!"), 6) for part in value[:256].split())


def _repeats_name(found: Assignment) -> bool:
    """Whether the value is only the name of a field or variable: `API_KEY = "x-api-key"`, `password=password`."""
    name = _without_signs(found.name)
    return _without_signs(found.value) in (name, f"x{name}")


def _without_signs(text: str) -> str:
    return _SIGN.sub("", text[:80].lower())


_SHORTEST_IN_QUOTES = {"pass": 3, "secret": 4}


def _is_quoted_secret(found: Assignment, value: str, word: str) -> bool:
    if word == "credential":  # `credentials: "same-origin"` is an option of fetch()
        return is_mixed(value, 8)
    if word in ("token", "pat") and not found.name.isupper():  # parsers are full of `token = "identifier"`
        is_long = len(value) >= 16 and not is_name_of_a_secret(value)
        return is_mixed(value, 6) or is_long or is_in_use(value)
    shortest = 3 if found.name.isupper() else _SHORTEST_IN_QUOTES.get(word, 6)
    return len(value) >= shortest


def _is_bare_secret(found: Assignment, value: str, word: str) -> bool:
    if found.name.startswith("-"):  # an option of a command
        if (word != "pass" and is_name_of_a_secret(value)) or value.startswith("--"):
            return False
        return is_mixed(value, 4) or len(value) >= (4 if found.glued else 14)
    if found.glued:
        return is_mixed(value, 6) or (found.own_line and len(value) >= 6)
    if found.name.lower().startswith("x-"):
        return is_mixed(value, 6) or (found.own_line and len(value) >= 8)
    if is_mixed(value, 10 if word == "token" else 6):
        return not (found.separator == "=" and value.lower().startswith(found.name.lower()))
    is_plain_line = found.own_line and found.separator == ":" and value.islower() and len(value) >= 6
    # Of `2-3-reset-password: backlog`, a story in a plan, the value is its state.
    return word == "pass" and is_plain_line and not found.name[0].isdigit()
