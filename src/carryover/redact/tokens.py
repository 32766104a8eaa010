"""Hides secrets that are recognisable by their own form, wherever they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from carryover.redact.dummy_values import is_dummy, is_filler, is_random
from carryover.redact.issued import possible_forms
from carryover.redact.prefixed import LONG_REST, PREFIXED, is_prefixed_token
from carryover.redact.redaction_marks import MARK, Span, insert_marks

_B64 = "[A-Za-z0-9_-]"


_EDGE = r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))"

_AZURE_SIGNS: Final = ("AZDO", "ACDb", "ACOG", "APIM", "AzFu", "AzSe")
_AZURE_HEAD: Final = r"(?:(?<![0-9A-Za-z+/_-])|(?<=\\[nrt]))[A-Za-z0-9+/_-]{33,80}"

# These begin with no fixed word: search for their punctuation, then look back for what is in front of it.
_SPLIT: Final = tuple(
    (kind, hint, re.compile(secret), re.compile(rf"{head}\Z"))
    for kind, hint, secret, head in (
        ("azure", "Q~", r"Q~[A-Za-z0-9_~.-]{31,}", r"[A-Za-z0-9_~.-]{3}\d"),
        ("telegram", ":", rf":(?<=\d{{6}}:){_B64}{{35}}(?!{_B64})", r"\d{6,12}"),
        (
            "discord",
            ".",
            rf"\.{_B64}{{6}}\.{_B64}{{27,45}}(?!{_B64})",
            r"(?:(?<![A-Za-z0-9_.-])|(?<=\\[nrt]))[MNO][A-Za-z0-9_-]{22,28}",
        ),
        ("mailchimp", "-us", r"-us\d{1,2}(?![0-9A-Za-z])", rf"{_EDGE}[0-9a-f]{{32}}"),
        ("terraform", ".atlasv1.", r"\.atlasv1\.[\w=-]{60,}", rf"{_EDGE}[A-Za-z0-9]{{14}}"),
        *(  # Azure marks its services' keys in their ninth-last to third-last characters.
            ("azure", hint, rf"{mark}[A-Za-z0-9]{{3,6}}={{0,2}}(?![A-Za-z0-9])", _AZURE_HEAD)
            for hint, mark in (*((sign, sign) for sign in _AZURE_SIGNS), ("+A", r"\+A(?:CR|Eh|Sb|Io|MC|St|Rm)"))
        ),
        ("salesforce", "00D", r"![A-Za-z0-9_.-]{80,}", r"(?<![0-9A-Za-z])00D[A-Za-z0-9]{12}"),
        ("asana", ":", r":(?<=\d:)[0-9a-f]{32}(?![0-9A-Za-z])", r"(?<![\d/])\d/\d{10,20}(?:/\d{10,20})?"),
    )
)
_URL_PASSWORD = re.compile(r"://([^\s/:\"'`<>\\\[]*+):((?!\d{1,5}[?#,])[^\s/\"'`<>\\]*)@")
_URL_TOKEN = re.compile(r"://([A-Za-z0-9_-]{20,}+)@")
_BITWARDEN_PAIR = re.compile(r"\[redacted:bitwarden\]:([A-Za-z0-9+/]{22}==)")
_AWS_PAIR = re.compile(r"\[redacted:aws\][\s,:;|\"']{1,8}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])")


_LONG_WORD: Final = re.compile(r"[A-Za-z0-9_.+/=$~@%\\-]{15,}")
"""Every token with a mark is part of such a word. Few words are this long, so only these are searched for marks."""


def hide_tokens(text: str, counts: dict[str, int]) -> str:
    """Replaces tokens that carry their issuer's mark, and passwords in URLs (scheme, user and host stay)."""
    if words := " ".join(_LONG_WORD.findall(text)):
        text = _hide(text, words, counts)
    if "@" in text and "://" in text:
        text = _URL_PASSWORD.sub(_replace("url-password", counts), text)
        text = _URL_TOKEN.sub(_replace("url-password", counts), text)
    return text


def _hide(text: str, words: str, counts: dict[str, int]) -> str:
    for kind, _, pattern in possible_forms(words):
        text = pattern.sub(_replace(kind, counts), text)
    if any(_prefixed(words)):
        text = insert_marks(text, ((*match.span(), "token") for match in _prefixed(text)), counts)
    if f"{MARK}aws]" in text:
        text = _AWS_PAIR.sub(_replace("aws", counts), text)
    if f"{MARK}bitwarden]" in text:
        text = _BITWARDEN_PAIR.sub(_replace("bitwarden", counts), text)
    places = (place for place in _SPLIT if place[1] in words or place[1] == ":")  # long words contain no colon
    split = [span for kind, _, token, head in places for span in _split(text, token, head, kind)]
    return insert_marks(text, split, counts)


def _replace(kind: str, counts: dict[str, int]) -> Callable[[re.Match[str]], str]:
    """Returns a callback for `re.sub` that replaces a match's last group, or all of it, unless it is an example."""

    def mark(match: re.Match[str]) -> str:
        group = match.re.groups
        if is_dummy(match[group]) or is_filler(match[group]):
            return match[0]
        counts[kind] = counts.get(kind, 0) + 1
        start, end = match.span(group)
        return f"{match[0][: start - match.start()]}{MARK}{kind}]{match[0][end - match.start() :]}"

    return mark


def _prefixed(text: str) -> Iterator[re.Match[str]]:
    for match in PREFIXED.finditer(text) if LONG_REST.search(text) else ():
        if is_prefixed_token(match) and not is_filler(match[0]):
            yield match


def _split(text: str, secret: re.Pattern[str], owner: re.Pattern[str], kind: str) -> Iterator[Span]:
    """Yields tokens of the form `<owner id><secret>`, which only both parts together identify."""
    for match in secret.finditer(text):
        head = owner.search(text[max(0, match.start() - 80) : match.start()])
        if head is not None and (is_random(match[0], 20) or is_random(head[0], 20)):
            yield match.start() - len(head[0]), match.end(), kind
