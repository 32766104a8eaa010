"""Hides a secret that is all that a command prints or a file holds: without a name, and of no known form."""

from __future__ import annotations

import re
from typing import Final

from carryover.redact import values
from carryover.redact.values import insert_marks
from carryover.text.pattern import later

_WITH_KEYS: Final = r"\.(?:env|pem|p12|pfx|p8|jks|keystore|key)(?![a-z])|\bid_(?:rsa|ed25519)|service[-_]?[aA]ccount"
_NAME: Final = (
    r"(?i:passw(?:or)?d|passphrase|(?<=_)(?:pass|pwd)|secret|token|(?:api|access|private|secret)_?key(?:_base)?)(?!\w)"
)
_VARIABLE: Final = rf"\w{{0,40}}?{_NAME}"
_PRINTERS: Final = (
    ("wg gen", r"\bwg gen(?:key|psk)\b"),
    ("get secret", r"\bget secrets?\b[^\n;&]{0,300}?(?:\.(?:data|stringData)\b|-o[ =]?yaml[^\n;&|]{0,40}\|)"),
    ("base64", rf"(?:{_WITH_KEYS})[^\n;&]{{0,80}}\bbase64\b|\bbase64\b[^\n;&|]{{0,80}}(?:{_WITH_KEYS})"),
    ("secret", r"\bsecretsmanager get-secret-value\b[^\n|;&]{0,300}--query\b"),
    ("secret", r"\bsecrets versions access\b"),
    ("secret", r"\bkeyvault secret show\b[^\n|;&]{0,300}--query\b"),
    ("secret", r"\bsecrets get\b[^\n|;&]{0,200}--plain\b"),
    ("secret", r"\bsecret-tool lookup\b"),
    ("secret", r"\bsecrets\.token_(?:hex|urlsafe)\b"),
    ("secret", r"\b(?:rails|rake) secret\b"),
    ("secret", r"\bget_random_secret_key\b"),
    ("with-decryption", r"\bssm get-parameter\b[^\n|;&]{0,300}--query\b"),
    ("vault ", r"\bvault (?:kv get|read|view)\b"),
    ("sops ", r"\bsops (?:-d|--decrypt|decrypt)\b"),
    ("-password", r"\bsecurity find-(?:generic|internet)-password\b[^\n|;&]{0,200}[ \t]-\w{0,8}w\b"),
    ("output", r"\b(?:terraform|tofu) output\b[^\n|;&]{0,200}(?i:pass|secret|token|key)"),
    ("pulumi", r"\bpulumi (?:config get|stack output)\b[^\n|;&]{0,200}(?i:pass|secret|token|key)"),
    ("initial-password", r"\bargocd admin initial-password\b"),
    ("auth:token", r"\bheroku auth:token\b"),
    ("login-password", r"\becr get-login-password\b"),
    ("pass show", r"\b(?:go)?pass show[ \t]"),
    ("op read", r"\bop read[ \t]"),
    ("bw get", r"\bbw get (?:password|totp)[ \t]"),
    ("openssl rand", r"\bopenssl rand\b"),
    ("pwgen", r"\bpwgen\b"),
    ("echo ", rf"\becho[ \t][^\n;&|]{{0,40}}\$\{{?{_VARIABLE}"),
    ("printenv ", rf"\bprintenv[ \t]+{_VARIABLE}"),
    ("environ", rf"\bprint\([^()\n]{{0,16}}\bos\.environ(?:\[|\.get\()['\"]{_VARIABLE}"),
    ("process.env.", rf"\blog\(process\.env\.{_VARIABLE}\)"),
    ("get ", rf"\b(?:config|dotenv)[: ]get[ \t]+{_VARIABLE}"),
    ("q ", rf"\b[jy]q[ \t][^\n|;&]{{0,60}}?\.{_VARIABLE}['\"]?(?=[ \t\n;&|]|\Z)"),
    ("cut -d", rf"{_NAME}[^\n;&)]{{0,80}}\|[ \t]*cut -d[ \t]?['\"]?=['\"]? -f[ \t]?2"),
    (
        "awk -F",
        rf"(?P<named>{_NAME}[^\n;&)]{{0,80}}\|[ \t]*)?\bawk -F[ \t]?['\"]?=(?(named)|[^\n;&]{{0,60}}{_NAME})"
        r"[^\n;&]{0,40}\$(?:2|NF)",
    ),
    ("sed ", rf"\bsed[ \t][^\n;&|]{{0,20}}s(?P<by>[/|#])\^?{_VARIABLE}=(?P=by)(?P=by)"),
    ("/dev/urandom", r"/dev/u?random\b[^\n;&]{0,200}\|"),
    ("randomBytes(", r"\brandomBytes\(\d{1,4}\)\.toString\("),
)
"""Commands that print a secret and little else: a substring that each contains, and its pattern."""
_FILES: Final = (
    ("master.key", r"(?:^|[\s/\\'\"])master\.key(?![\w.-])"),
    ("credentials/", r"\bcredentials/[\w-]{1,60}\.key(?![\w.-])"),
    ("secrets/", r"(?:^|[\s/\\'\"])secrets/[\w.-]"),
    (".txt", rf"{_NAME}\.txt(?![\w.-])"),
    ("initial", r"/initial(?:Admin|_root_)[Pp]assword(?![\w.-])"),
    ("vault", r"(?:^|[\s/\\'\".])vault[_-]pass(?:word)?(?:\.txt)?(?![\w.-])"),
)
"""The same for the names of files that hold one."""
_BY_FILE: Final = tuple((hint, later(pattern)) for hint, pattern in _FILES)
_BY_COMMAND: Final = (*((hint, later(pattern)) for hint, pattern in _PRINTERS), *_BY_FILE)
_ALONE: Final = later(
    r"^(?:[ \t]*\d{1,6}(?:→|\t))?[ \t]*(?P<name>[\"']?[\w.-]{1,64}[\"']?(?::[ \t]|=|[ \t]{2})[ \t]*)?"
    r"['\"]?(?P<value>[^\s'\"]{6,65536})['\"]?,?[ \t\r]*$",
    re.MULTILINE,
)
_LEAST_AMONG_OTHERS: Final = 12


def holds_only_a_secret(about: str, *, is_file: bool) -> bool:
    """Whether the output of a command, or the content of the file at a path, is a secret and little else."""
    return any(hint in about and pattern.search(about) for hint, pattern in (_BY_FILE if is_file else _BY_COMMAND))


def hide_printed(output: str, counts: dict[str, int]) -> str:
    """Returns such an output with its secret hidden: its only word, or each word that is alone on its line, or behind a
    name, and looks generated."""
    words = [*_ALONE.finditer(output)]
    only = words[0] if len(words) == 1 and words[0]["name"] is None else None
    is_all = only is not None and not (output[: only.start()] + output[only.end() :]).strip()
    found = [word.span("value") for word in words if _is_one(word["value"], is_all)]
    return insert_marks(output, [(*span, "password") for span in found], counts)


def _is_one(value: str, is_all: bool) -> bool:
    if values.is_dummy(value) or values.is_filler(value) or values.is_path(value) or values.is_type_or_state(value):
        return False
    is_padded = len(value) >= _LEAST_AMONG_OTHERS and value.endswith("=")  # base64, which may lack digits
    return is_all or is_padded or values.is_scrambled(value, _LEAST_AMONG_OTHERS) or values.is_strong(value)
