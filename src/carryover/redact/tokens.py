"""Hides secrets that are recognisable by their own form. Most carry their issuer's mark (`issued.txt`); others are a
prefix, a separator and a random rest, longer than an id's unless the prefix marks it as secret, and not a hash."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

from carryover.redact.values import MARK, Span, insert_marks, is_dummy, is_filler, is_mixed, is_opaque, is_scrambled
from carryover.text.pattern import later


class _Form(NamedTuple):
    """A form of token. `hint` is a part of every such token that is quick to search for. The whole match is the secret,
    or its only group if a part of it is kept. Each pattern begins with literal letters, and nothing that follows an
    unbounded run can fail, so no form takes more than linear time."""

    kind: str
    hint: str
    pattern: re.Pattern[str]


def _read(part: str) -> Iterator[tuple[str, str, str]]:
    for line in part.strip().splitlines():
        kind, prefix, rest = line.split(" ", 2)
        yield kind, prefix, rest


_, _FORMS, _ANYWHERE = (pkgutil.get_data(__name__, "issued.txt") or b"").decode().split("\n\n")


def _any_of(words: Iterable[str]) -> str:
    """Returns a pattern for any of `words` that compares each letter of a text once."""
    by_first: dict[str, list[str]] = {}
    for word in words:
        by_first.setdefault(word[:1], []).append(word[1:])
    if "" in by_first:  # a word ends here, so those that continue it need not be looked for
        return ""
    branches = [re.escape(first) + _any_of(rest) for first, rest in sorted(by_first.items())]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


_ESCAPES: Final = (r"\\[nrt]", r"\\x[0-9a-fA-F]{2}", r"\\u00[0-9a-fA-F]{2}", r"%[0-7][0-9a-fA-F]")
"""What ends a word though its own last sign may be a letter or a digit: escapes of strings and of URLs."""


def _behind_escape(name: str = "") -> str:
    """Returns a pattern for the place after `name`, which stands behind an escape."""
    return "|".join(f"(?<={escape}{name})" for escape in _ESCAPES)


_JWT: Final = (
    rf"eyJ(?:(?<![\w-]eyJ)|(?<=\n-eyJ)|{_behind_escape('eyJ')})"
    r"(?a:[\w-]{7,}+\."
    r"(?:eyJ[\w-]{4,}+(?:\.[\w-]*+)?|[\w-]*+\.[\w-]{10,}+(?:\.[\w-]{10,}+){0,2}))"
)

_ANYWHERE_FORMS: Final = (
    *(_Form(kind, hint, later(pattern)) for kind, hint, pattern in _read(_ANYWHERE)),
    _Form("jwt", "eyJ", later(_JWT)),
)


@cache  # a short command sees few words that are long enough, and to make the forms takes 3 ms
def _prefixed_forms() -> tuple[_Form, ...]:
    """Returns the forms of tokens at the start of a word, or after an escape."""
    return tuple(
        _Form(kind, prefix, later(rf"{name}(?:(?<![0-9A-Za-z]{name})|{_behind_escape(name)}){rest}"))
        for kind, prefix, rest in _read(_FORMS)
        for name in (re.escape(prefix),)
    )


@cache
def _begins() -> tuple[re.Pattern[str], ...]:
    """Returns patterns whose group is the prefix of a token, at the start of a word and after an escape."""
    begun = _any_of(form.hint for form in _prefixed_forms())
    # Not the places themselves but the sign or escape before them, by which a search is three times as quick.
    return later(rf"[^0-9A-Za-z](?=({begun}))"), later(rf"(?:{'|'.join(_ESCAPES)})(?=({begun}))")


@cache  # of the beginnings that are found
def _beginning_with(found: str) -> tuple[_Form, ...]:
    return tuple(form for form in _prefixed_forms() if form.hint.startswith(found))


PREFIXED: Final = later(
    r"(?:(?<![A-Za-z0-9_.+/%$@-])|(?<=\n[+-]))(?!sha\d|md5|(?<=\\)u[0-9a-fA-F]{4})[A-Za-z][A-Za-z0-9]{1,15}(?:[_-][a-z0-9]{1,8}){0,3}?[_-]"
    r"([A-Za-z0-9_-]{20,200}+(?:\.[A-Za-z0-9_-]{20,64}+)?)"
    r"(?![A-Za-z0-9/@+%_-]|\.[A-Za-z0-9])"
)
LONG_REST: Final = later(r"[_-](?=[A-Za-z0-9_-]{20})(?=[A-Za-z_-]{0,64}+\d)")
"""Occurs in every token that `PREFIXED` finds and is quicker to search for."""
_SECRET_PREFIX: Final = later(r"(?:[a-z0-9]{1,8}[_-]){0,3}?(?:sk|sec|secret|token|key|apikey|pat|oauth|live)[_-]")
_ID: Final = later(
    r"(?:chatcmpl|call|toolu|msg|resp|req|run|thread|asst|batch|file|org|proj|user|team|prj|dpl|ecfg)[_-]"
    r"|[A-Z]{1,4}_k[wg]DO"
)
"""How providers of models, Vercel and GitHub begin ids that are no secrets."""
_MORE_PREFIX: Final = later(r"(?:[a-z0-9]{1,8}[_-])*")
_HASH: Final = later(r"[0-9a-fA-F_-]+")
_DATED: Final = later(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-[0-9a-f-]{8,36}")
"""The end of the name of a session's file: `rollout-2031-04-01T15-00-09-019f1c7a-…`."""


def is_prefixed_token(match: re.Match[str]) -> bool:
    """Whether a match of `PREFIXED` is a token."""
    body = match[1][:256]
    if _SECRET_PREFIX.match(match[0]):
        return is_scrambled(body, 20)
    body = _DATED.sub("", body)
    if _ID.match(match[0]):
        return False
    prefix = _MORE_PREFIX.match(body)
    body = body[prefix.end() :] if prefix else body
    # An id that was pasted several times in a row is no longer than once.
    body = max(body.split(match[0][: match.start(1) - match.start()]), key=len)
    one_case = body in (body.lower(), body.upper())
    shortest = 40 if one_case else 30
    return len(body) >= shortest and not _HASH.fullmatch(body) and is_opaque(body, or_hash=False)


_B64 = "[A-Za-z0-9_-]"
_EDGE = rf"(?:(?<![0-9A-Za-z])|{_behind_escape()})"
_STATE: Final = rf"(?=[A-Za-z_-]{{0,42}}\d)(?=[a-z\d_-]{{0,42}}[A-Z])(?=[A-Z\d_-]{{0,42}}[a-z]){_B64}{{43}}"
_AZURE_SIGNS: Final = ("AZDO", "ACDb", "ACOG", "APIM", "AzFu", "AzSe")
_DISCORD_HEAD: Final = r"(?:(?<![A-Za-z0-9_.-])|(?<=\n-)|(?<=\\[nrt]))[MNO][A-Za-z0-9_-]{22,28}"
_AZURE_HEAD: Final = r"(?:(?<![0-9A-Za-z+/_-])(?<!\\(?=[nrt]))|(?<=\\[nrt]))[A-Za-z0-9+/_-]{33,80}"

_AZURE_HINTS: Final = {**{sign: sign for sign in _AZURE_SIGNS}, "+A": r"\+A(?:CR|Eh|Sb|Io|MC|St|Rm)"}
_AZURE: Final = tuple(
    ("azure", hint, rf"{mark}[A-Za-z0-9]{{3,6}}={{0,2}}(?![A-Za-z0-9])", _AZURE_HEAD)
    for hint, mark in _AZURE_HINTS.items()
)
"""Azure marks its services' keys in their ninth-last to third-last characters."""

# These begin with no fixed word: search for their punctuation, then look back for what is in front of it.
_SPLIT: Final = tuple(
    (kind, hint, later(secret), later(rf"{head}\Z"))
    for kind, hint, secret, head in (
        ("azure", "Q~", r"Q~[A-Za-z0-9_~.-]{31,}", r"[A-Za-z0-9_~.-]{3}\d"),
        ("telegram", ":", rf":(?<=\d{{6}}:){_B64}{{35}}(?!{_B64})", r"\d{6,12}"),
        ("discord", ".", rf"\.{_B64}{{6}}\.{_B64}{{27,45}}(?!{_B64})", _DISCORD_HEAD),
        ("mailgun", "-", r"-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9A-Za-z-])", rf"{_EDGE}[0-9a-f]{{32}}"),
        ("newrelic", "NRAL", r"FFFFNRAL(?![0-9A-Za-z])", rf"{_EDGE}[0-9a-f]{{32,36}}"),
        ("mailchimp", "-us", r"-us\d{1,2}(?![0-9A-Za-z])", rf"{_EDGE}[0-9a-f]{{32}}"),
        ("zai", ".", r"\.(?<=[0-9a-f]{8}\.)(?=[a-z\d]{0,15}[A-Z])[A-Za-z0-9]{16}(?![\w.-])", rf"{_EDGE}[0-9a-f]{{32}}"),
        ("terraform", ".atlasv1.", r"\.atlasv1\.[\w=-]{60,}", rf"{_EDGE}[A-Za-z0-9]{{14}}"),
        *_AZURE,
        ("salesforce", "!", r"![A-Za-z0-9_.-]{80,}", rf"{_EDGE}00D[A-Za-z0-9]{{12}}"),
        # What Claude Code's login has the user paste: once the login is broken, it is sent as a prompt (2026).
        ("oauth", "#", rf"#{_STATE}(?!{_B64})", r"(?:(?<![\w\\/.?&#-])|(?<=\\[nrt]))[A-Za-z0-9_-]{40,78}"),
        ("asana", ":", r":(?<=\d:)[0-9a-f]{32}(?![0-9A-Za-z])", r"(?<![\d/])\d/\d{10,20}(?:/\d{10,20})?"),
    )
)
_URL_PASSWORD = later(r"://([^\s/:\"'`<>\\\[]*+):((?!\d{1,5}[?#,])[^\s/\"'`<>\\]*)@")
_URL_PASSWORD_IN_JSON = later(r":\\/\\/([^\s/:\"'`<>\\\[]*+):((?!\d{1,5}[?#,])[^\s/\"'`<>\\]*)@")
_URL_PASSWORD_IN_QUERY = later(
    r"%3[aA]%2[fF]%2[fF]([^\s/:\"'`<>\\%]*+)%3[aA]((?:[^\s/\"'`<>\\%&]|%(?!40|2[fF])[0-9a-fA-F]{2})*)%40"
)
_URL_TOKEN = later(r"://([A-Za-z0-9_-]{20,}+)@")
_BITWARDEN_PAIR = later(r"\[redacted:bitwarden\]:([A-Za-z0-9+/]{22}==)")
_AWS_PAIR = later(
    r"\[redacted:aws\](?:\t[\w:.+-]{1,40})?[\s,:;|\"']{1,8}(?:/[ \t])?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_CHANGED = later(r"\[redacted:[\w-]{1,32}\]\\{0,7}\" -> \\{0,7}\"([^\"\\\n]{1,400})")
"""What a plan of Terraform puts in the place of a secret."""
_PASSWORD_TOO = later(
    r"\[redacted:password\][\"'`*]{0,3}(?:, ?|、|，| / | (?:or|and|und|oder|y|et|e) )[\"'`*]{0,3}"
    r"(?![\w.+-]{1,40}@[\w-]{1,40}\.)((?=[^\d\s]{0,39}\d)(?=[^!@#$%^&*?\s]{0,39}[!@#$%^&*?])(?=[^A-Za-z\s]{0,39}[A-Za-z])[A-Za-z\d][^\s\"'`,;:/=()<>\[\]{}|\\]{5,39})"
    r"(?![^\s\"'`,;.)<|\\])"
)
"""The next of several, each of which has a sign that no name has."""
_ELSE = later(r"\[redacted:[\w-]{1,32}\][\"'`] : [\"'`](?![a-z]{2,10}://|[/.])((?=\D{0,199}\d)[^\s\"'`]{16,200})[\"'`]")
"""The other value that a condition chooses: `secret: isTest ? "…" : "…"`."""
_LINE_END: Final = r"[ \t]{0,200}[│|]?[ \t\r]{0,8}\n"
_TORN: Final = later(rf"\[redacted:(?!password|url-|cookie|seed)(?P<kind>[\w-]{{1,32}})\](?={_LINE_END})")
_REST: Final = later(
    rf"{_LINE_END}[ \t]{{0,80}}(?:[│|>][ \t]{{0,8}})?(?P<rest>[A-Za-z0-9_.+/=-]{{16,}}+)"
    r"(?=[\"'`,;)]{0,3}[ \t]{0,200}[│|]?[ \t\r]{0,8}(?:\n|\Z))"
)
"""What a terminal, or a box that is drawn in one, wrapped to the next line."""
_LONG_WORD: Final = later(r"[A-Za-z0-9_.+/=$~@%\\-]{15,}")
"""Every token with a mark is part of such a word. Few words are this long, so only these are searched for marks."""


def hide_tokens(text: str, counts: dict[str, int]) -> str:
    """Replaces tokens that carry their issuer's mark, and passwords in URLs (scheme, user and host stay)."""
    if words := " ".join(_LONG_WORD.findall(text)):
        text = _hide(text, words, counts)
    if "@" in text and "://" in text:
        text = _URL_PASSWORD.sub(_replace("url-password", counts), text)
        text = _URL_TOKEN.sub(_replace("url-password", counts), text)
    if ":\\/\\/" in text:
        text = _URL_PASSWORD_IN_JSON.sub(_replace("url-password", counts), text)
    if " -> " in text and MARK in text:
        text = _CHANGED.sub(_replace("secret", counts), text)
    if f"{MARK}password]" in text:
        text = _PASSWORD_TOO.sub(_replace("password", counts), text)
    if " : " in text and MARK in text:
        text = _ELSE.sub(_replace("secret", counts), text)
    if MARK in text and "\n" in text:
        text = insert_marks(text, _rests(text), counts)
    if "%40" in text:
        text = _URL_PASSWORD_IN_QUERY.sub(_replace("url-password", counts), text)
    return text


def _rests(text: str) -> Iterator[Span]:
    """Yields the rest of tokens whose beginning is hidden at the end of a line, if the next ones hold nothing else."""
    for torn in _TORN.finditer(text):
        end = torn.end()
        while (line := _REST.match(text, end)) and is_opaque(line["rest"], or_hash=torn["kind"] == "signature"):
            yield *line.span("rest"), torn["kind"]
            end = line.end()


def _hide(text: str, words: str, counts: dict[str, int]) -> str:
    # Two searches find all prefixes, more than a hundred.
    begun = [form for found in _beginnings(f" {words}") for form in _beginning_with(found)]
    for kind, _, pattern in [*(form for form in _ANYWHERE_FORMS if form.hint in words), *begun]:
        text = pattern.sub(_replace(kind, counts), text)
    if any(_prefixed(words)):
        text = insert_marks(text, ((*match.span(), "token") for match in _prefixed(text)), counts)
    if f"{MARK}aws]" in text:
        text = _AWS_PAIR.sub(_replace("aws", counts), text)
    if f"{MARK}bitwarden]" in text:
        text = _BITWARDEN_PAIR.sub(_replace("bitwarden", counts), text)
    places = (  # long words contain none of these signs
        place for place in _SPLIT if place[1] in ":#!" or (place[1] in words and place[2].search(words) is not None)
    )
    split = [span for kind, _, token, head in places for span in _split(text, token, head, kind)]
    return insert_marks(text, split, counts)


def _beginnings(words: str) -> Iterable[str]:
    """Returns the prefixes that may begin tokens in `words`, in order, each once. A blank comes before `words`."""
    found = [match.span(1) for begins in _begins() for match in begins.finditer(words)]
    return dict.fromkeys(words[start:end] for start, end in sorted(found))


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
        if head is not None and (is_mixed(match[0], 20) or is_mixed(head[0], 20)):
            yield match.start() - len(head[0]), match.end(), kind
