"""Secrets that show what they are by their own form, in any place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from carryover.redact.dummy_values import is_dummy, is_filler, is_random
from carryover.redact.issued import any_of, edged, long_words, possibly_issued
from carryover.redact.redaction_marks import MARK, Span, insert_marks

_B64 = "[A-Za-z0-9_-]"


class _Rule(NamedTuple):
    """`pattern` begins with literal letters, so that ordinary text is passed at the speed of a search for them.

    The whole match is the secret, or its only group where a part of it is kept. Nothing that follows an unbounded run
    can fail, so no rule takes more than linear time. The pattern matches nothing but parts of long words (`long_words`)
    that hold `hint`.
    """

    kind: str
    hint: str
    pattern: re.Pattern[str]
    then: str
    """A pattern for what follows the hint, where the hint alone is in many words."""


def _rule(kind: str, hint: str, pattern: str, *, then: str = "") -> _Rule:
    return _Rule(kind, hint, re.compile(pattern), then)


_RULES = (
    _rule("anthropic", "sk-ant-", rf"sk-ant-{_B64}{{12,}}"),
    _rule(
        "openai",
        "sk-",
        edged("sk-") + rf"(?:(?:proj|svcacct|admin|None|or-v1)-{_B64}{{16,}}|[A-Za-z0-9]{{20,}}{_B64}*)",
    ),
    _rule("github", "gh", r"gh[pousr]_[A-Za-z0-9]{20,}", then="[pousr]_"),
    _rule("github", "github_pat_", r"github_pat_[A-Za-z0-9_]{20,}"),
    _rule(
        "gitlab",
        "gl",
        rf"gl(?:pat|ptt|dt|rt|cbt)-{_B64}{{16,}}(?:\.[\w.-]{{4,40}})?",
        then="(?:pat|ptt|dt|rt|cbt)-",
    ),
    _rule(
        "aws",
        "IA",
        r"A[KS]IA(?:(?<![0-9A-Za-z]....)|(?<=\\[nrt]....))[0-9A-Z]{16}(?![0-9A-Za-z])",
        then="[0-9A-Z]{16}",
    ),
    _rule("google", "AIza", rf"AIza{_B64}{{30,}}"),
    _rule("google", "ya29.", rf"ya29\.{_B64}{{20,}}(?:\.{_B64}++)*"),
    _rule("google", "GOCSPX-", rf"GOCSPX-{_B64}{{20,}}"),
    _rule("azure", "Key=", r"Key=(?:(?<=AccountKey=)|(?<=SharedAccessKey=))([A-Za-z0-9+/%]{20,}={0,2})"),
    _rule("azure", "sig=", r"sig=(?<=[?&;]sig=)([A-Za-z0-9%+/_-]{20,}={0,2})"),
    _rule("slack", "xox", r"xox(?:[abcdeoprs]|e\.xox[bp])-[A-Za-z0-9-]{10,}"),
    _rule("slack", "xapp-", r"xapp-[0-9A-Za-z-]{16,}"),
    _rule("slack", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{16,})"),
    _rule("stripe", "sk_", r"sk_(?:live|test)_[A-Za-z0-9]{10,}"),
    _rule("stripe", "rk_", r"rk_(?:live|test)_[A-Za-z0-9]{10,}"),
    _rule("stripe", "whsec_", r"whsec_[A-Za-z0-9+/]{16,}={0,2}"),
    _rule("huggingface", "hf_", edged("hf_") + r"[A-Za-z0-9]{30,}"),
    _rule("npm", "npm_", edged("npm_") + r"[A-Za-z0-9]{30,}"),
    _rule("pypi", "pypi-", rf"pypi-(?:Ag{_B64}{{16,}}|{_B64}{{60,}})"),
    _rule("sendgrid", "SG.", edged(r"SG\.") + rf"{_B64}{{16,32}}\.{_B64}{{16,}}"),
    _rule("twilio", "SK", edged("SK") + r"[0-9a-f]{32}(?![0-9A-Za-z])", then="[0-9a-f]{32}"),
    _rule("discord", "/api/webhooks/", rf"/api/webhooks/\d{{10,25}}/({_B64}{{20,}})"),
    _rule("digitalocean", "_v1_", r"do[opr]_v1_[a-f0-9]{32,}"),
    _rule("databricks", "dapi", edged("dapi") + r"[0-9a-f]{32}(?:-\d)?(?![0-9A-Za-z])", then="[0-9a-f]{32}"),
    _rule("groq", "gsk_", edged("gsk_") + r"[A-Za-z0-9]{40,}"),
    _rule("vault", "hvs.", edged(r"hvs\.") + rf"{_B64}{{20,}}"),
    _rule("docker", "dckr_pat_", rf"dckr_pat_{_B64}{{20,}}"),
    _rule("shopify", "shp", r"shp(?:at|ss|ca)_[a-fA-F0-9]{32,}"),
    _rule("age", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    _rule(
        "jwt",
        "eyJ",
        edged("eyJ", before="0-9A-Za-z_-")
        + rf"{_B64}{{7,}}+\.(?:eyJ{_B64}{{4,}}+(?:\.{_B64}*+)?|{_B64}*+\.{_B64}{{10,}}+(?:\.{_B64}{{10,}}+){{0,2}})",
    ),
)

_EDGE = r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))"

# These begin with no fixed word: search for their punctuation, then look back.
_AZURE_SECRET = re.compile(r"Q~[A-Za-z0-9_~.-]{31,}")
_AZURE_HEAD = re.compile(r"[A-Za-z0-9_~.-]{3}\d\Z")
_DISCORD_BOT = re.compile(rf"\.{_B64}{{6}}\.{_B64}{{27,45}}(?!{_B64})")
_DISCORD_ID = re.compile(r"(?:(?<![A-Za-z0-9_.-])|(?<=\\[nrt]))[MNO][A-Za-z0-9_-]{22,28}\Z")
_TELEGRAM_BOT = re.compile(rf":(?<=\d{{6}}:){_B64}{{35}}(?!{_B64})")
_MAILCHIMP = re.compile(r"-us\d{1,2}(?![0-9A-Za-z])")
_MAILCHIMP_KEY = re.compile(rf"{_EDGE}[0-9a-f]{{32}}\Z")
_TERRAFORM = re.compile(r"\.atlasv1\.[\w=-]{60,}")
_TERRAFORM_ID = re.compile(rf"{_EDGE}[A-Za-z0-9]{{14}}\Z")
_AZURE_DEVOPS = re.compile(r"AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])")
_AZURE_DEVOPS_HEAD = re.compile(rf"{_EDGE}[A-Za-z0-9]{{76}}\Z")
_ASANA = re.compile(r":(?<=\d:)[0-9a-f]{32}(?![0-9A-Za-z])")
_ASANA_ID = re.compile(r"(?<![\d/])\d/\d{10,20}(?:/\d{10,20})?\Z")
_TELEGRAM_ID = re.compile(r"\d{6,12}\Z")

_URL_PASSWORD = re.compile(r"://([^\s/:\"'`<>\\\[]*+):((?!\d{1,5}[?#,])[^\s/\"'`<>\\]*)@")
_URL_TOKEN = re.compile(r"://([A-Za-z0-9_-]{20,}+)@")
_AWS_PAIR = re.compile(r"\[redacted:aws\][\s,:;|\"']{1,8}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])")


_SUSPICIOUS: Final = re.compile(
    "|".join(
        (
            any_of({hint: then for _, hint, _, then in _RULES}),
            "Q~",
            r"-us(?:\d|(?!\S))",
            r"\.atlasv1\.",
            "AZDO",
            _DISCORD_BOT.pattern,
            # Those of which a colon or a mark is in front, where a long word begins.
            r"(?<!\S)(?:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])|[0-9a-f]{32}(?![0-9A-Za-z])|[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))",
        )
    )
)
"""Matches in the long words of every text with a token, unless that is one of `ISSUED`."""

_LONGEST_KEPT: Final = 200
_MOST_KEPT: Final = 4096
# Paths and names come again with nearly every record of a transcript.
_harmless_words: dict[bytes, None] = {}


def hide_tokens(text: str, counts: dict[str, int]) -> str:
    """Replaces every token that carries its issuer's mark, and passwords in URLs (scheme, user and host stay)."""
    words = long_words(text)
    if words and _can_hold_a_token(words):
        text = _hide_in_words(text, _joined(words), counts)
    if "@" in text and "://" in text:
        text = _URL_PASSWORD.sub(_replace("url-password", counts), text)
        text = _URL_TOKEN.sub(_replace("url-password", counts), text)
    return text


def _joined(words: list[bytes]) -> str:
    return b" ".join(words).decode("ascii")


def _can_hold_a_token(long_words: list[bytes]) -> bool:
    """Whether a text with these long words can hold a token. Words that can hold none are remembered."""
    new = [word for word in long_words if word not in _harmless_words]
    if not new:
        return False
    words = _joined(new)
    if _SUSPICIOUS.search(words) or next(possibly_issued(words), None):
        return True
    if len(_harmless_words) >= _MOST_KEPT:
        _harmless_words.clear()
    _harmless_words.update((word, None) for word in new[:_MOST_KEPT] if len(word) <= _LONGEST_KEPT)
    return False


def _hide_in_words(text: str, words: str, counts: dict[str, int]) -> str:
    """Replaces tokens, all of which are part of `words`, the long words of the text."""
    for kind, hint, pattern, _ in _RULES:
        if hint in words and pattern.search(text):
            text = pattern.sub(_replace(kind, counts), text)
    for kind, _, pattern, _ in possibly_issued(words):
        text = pattern.sub(_replace(kind, counts), text)
    if f"{MARK}aws]" in text:
        text = _AWS_PAIR.sub(_replace("aws", counts), text)
    split = [
        *(_split(text, _AZURE_SECRET, _AZURE_HEAD, "azure") if "Q~" in words else ()),
        *_split(text, _TELEGRAM_BOT, _TELEGRAM_ID, "telegram"),
        *(_split(text, _DISCORD_BOT, _DISCORD_ID, "discord") if _DISCORD_BOT.search(words) else ()),
        *(_split(text, _MAILCHIMP, _MAILCHIMP_KEY, "mailchimp") if "-us" in words else ()),
        *(_split(text, _TERRAFORM, _TERRAFORM_ID, "terraform") if ".atlasv1." in words else ()),
        *(_split(text, _AZURE_DEVOPS, _AZURE_DEVOPS_HEAD, "azure") if "AZDO" in words else ()),
        *(_split(text, _ASANA, _ASANA_ID, "asana") if "/" in text else ()),
    ]
    return insert_marks(text, split, counts)


def _replace(kind: str, counts: dict[str, int]) -> Callable[[re.Match[str]], str]:
    """What `re.sub` puts for a match: its last group (or all of it) becomes a mark, unless it is only an example."""

    def mark(match: re.Match[str]) -> str:
        group = match.re.groups
        if is_dummy(match[group]) or is_filler(match[group]):
            return match[0]
        counts[kind] = counts.get(kind, 0) + 1
        start, end = match.span(group)
        return f"{match[0][: start - match.start()]}{MARK}{kind}]{match[0][end - match.start() :]}"

    return mark


def _split(text: str, secret: re.Pattern[str], owner: re.Pattern[str], kind: str) -> Iterator[Span]:
    """Tokens of the form `<owner id><secret>`, where only the form of both parts together shows it."""
    for match in secret.finditer(text):
        head = owner.search(text[max(0, match.start() - 80) : match.start()])
        if head is not None and (is_random(match[0], 20) or is_random(head[0], 20)):
            yield match.start() - len(head[0]), match.end(), kind
