"""Tokens that their issuers mark by a prefix: one line per form, with the shortest rest that is taken for one.

The forms are those that issuers document and that secret scanners look for; prefixes that need a closer look are in
`tokens.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

_FORMS: Final = r"""
1password ops_eyJ [\w+/=-]{60,}
1password A3- [A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}
adobe p8e- [A-Za-z0-9]{32,}
airtable pat [A-Za-z0-9]{14}\.[0-9a-f]{64}
alibaba LTAI [A-Za-z0-9]{16,30}
apify apify_api_ [A-Za-z0-9]{30,}
artifactory AKCp [A-Za-z0-9]{60,}
artifactory cmVmdGtu [A-Za-z0-9]{50,}
atlassian ATATT [\w+/=-]{40,}
atlassian ATCTT [\w+/=-]{40,}
atlassian ATBB [\w+/=.-]{24,}
atlassian BBDC- [\w+/@-]{30,}
aws ABSK [A-Za-z0-9+/]{90,}={0,2}
aws bedrock-api-key- [A-Za-z0-9+/]{40,}={0,2}
braintree access_token$production$ [\w$]{32,}
percy percy_ [0-9a-f]{40,}
buildkite bkua_ [a-z0-9]{32,}
circleci CCIPAT_ [\w-]{40,}
clickhouse 4b1d [A-Za-z0-9]{38}(?![A-Za-z0-9])
clojars CLOJARS_ [a-z0-9]{40,}
cloudflare cfut_ [A-Za-z0-9]{40,}
cloudflare cfat_ [A-Za-z0-9]{40,}
cloudflare cfk_ [A-Za-z0-9]{40,}
cloudflare v1.0- [0-9a-f]{24}-[0-9a-f]{100,}
contentful CFPAT- [\w-]{40,}
datadog ddp_ [A-Za-z0-9]{34,}
datadog ddw_ [A-Za-z0-9]{34,}
defined-networking dnkey- [a-z0-9]{26}-[a-z0-9]{50,}
docker dckr_oat_ [\w-]{20,}
doppler dp. (?:ct|pt|st(?:\.[a-z0-9_-]{2,35})?|sa|scim|audit)\.[A-Za-z0-9]{40,}
dropbox sl. (?:u\.)?[\w-]{100,}
duffel duffel_ (?:live|test)_[\w-]{40,}
dynatrace dt0c01. [A-Z0-9]{24}\.[A-Z0-9]{60,}
easypost EZAK [A-Za-z0-9]{50,}
easypost EZTK [A-Za-z0-9]{50,}
endorlabs endr+ [A-Za-z0-9-]{16,}
facebook EAA [A-Za-z0-9]{80,}
figma fig [dpuor]{1,2}_[\w=-]{38,}
flutterwave FLWSECK [A-Za-z0-9_-]{30,}
flyio fo1_ [\w-]{40,}
flyio fm1 [ar]_[A-Za-z0-9+/=_-]{80,}
flyio fm2_ [A-Za-z0-9+/=_-]{80,}
frameio fio-u- [\w-]{60,}
gitlab glffct- [\w-]{16,}
gitlab glft- [\w-]{16,}
gitlab glimt- [\w-]{20,}
gitlab glagent- [\w-]{40,}
gitlab gloas- [\w-]{50,}
gitlab glsoat- [\w-]{16,}
gitlab glwt- [\w-]{16,}
gitlab GR1348941 [\w-]{16,}
gocardless live_ (?=[\w-]{0,38}[A-Z])[\w-]{38,60}(?![\w-])
grafana eyJrIjoi [A-Za-z0-9]{60,}={0,2}
grafana glc_ [A-Za-z0-9+/]{32,}={0,2}
grafana glsa_ [A-Za-z0-9]{32}_[0-9A-Fa-f]{8}
harness pat. [\w-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}
heroku HRKU- [\w-]{36,}
hubspot pat-na1- [0-9a-f-]{36}
hubspot pat-eu1- [0-9a-f-]{36}
huggingface api_org_ [A-Za-z0-9]{30,}
infracost ico- [A-Za-z0-9]{32,}
intra42 s-s4t2 (?:ud|af)-[0-9a-f]{64}
langfuse sk-lf- [0-9a-f-]{36}
langsmith lsv2_ (?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}
linear lin_api_ [A-Za-z0-9]{32,}
lob live_ [0-9a-f]{35}(?![0-9a-zA-Z])
mailgun key- [0-9a-f]{32}(?![0-9a-zA-Z-])
mapbox sk.eyJ1 [A-Za-z0-9_-]{40,}\.[\w-]{20,}
newrelic NRAK- [A-Z0-9]{24,}
newrelic NRII- [\w-]{24,}
newrelic NRIQ- [\w-]{24,}
newrelic NRJS- [0-9a-f]{16,}
notion ntn_ [A-Za-z0-9]{40,}
notion secret_ [A-Za-z0-9]{43}(?![A-Za-z0-9])
nvidia nvapi- [\w-]{50,}
octopus API- [A-Z0-9]{24,}(?![A-Za-z0-9])
openshift sha256~ [\w-]{40,}
paddle pdl_ (?:live|sdbx)_apikey_\w{20,}
perplexity pplx- [A-Za-z0-9]{40,}
pinecone pcsk_ \w{40,}
plaid access- (?:sandbox|development|production)-[0-9a-f-]{36}
planetscale pscale_ (?:tkn|oauth|pw|otp)_[\w=.-]{30,}
portainer ptr_ [A-Za-z0-9+/=_-]{40,}
posthog phx_ [A-Za-z0-9]{40,}
posthog phs_ [A-Za-z0-9]{40,}
postman PMAK- [0-9a-f]{24}-[0-9a-f]{34}
prefect pnu_ [a-z0-9]{36}
prefect pnb_ [a-z0-9]{36}
pulumi pul- [0-9a-f]{40}
ramp ramp_sec_ [A-Za-z0-9]{40,}
readme rdme_ [a-z0-9]{60,}
replicate r8_ [A-Za-z0-9]{32,}
resend re_ (?=\w{0,20}\d)[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![A-Za-z0-9])
rootly rootly_ [0-9a-f]{40,}
rubygems rubygems_ [0-9a-f]{40,}
scalingo tk-us- [\w-]{40,}
sendinblue xkeysib- [0-9a-f]{60,}-[A-Za-z0-9]{16}
sentry sntrys_ [A-Za-z0-9+/=_-]{60,}
sentry sntryu_ [0-9a-f]{60,}
settlemint sm_ (?:aat|pat|sat)_[A-Za-z0-9]{16,}
shippo shippo_ (?:live|test)_[0-9a-f]{40}
shopify shppa_ [0-9A-Fa-f]{32,}
sonar sq [pua]_[0-9a-f]{40}
sourcegraph sgp_ (?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}
square EAAA [\w+=-]{56,}
square sq0 (?:atp|csp|idp)-[\w-]{22,}
stripe pi_ [A-Za-z0-9]{24}_secret_[A-Za-z0-9]{20,}
supabase sbp_ [0-9a-f]{40}
supabase sb_secret_ [\w-]{28,}
tailscale tskey- [a-z]+-[A-Za-z0-9_]+-[A-Za-z0-9_]{16,}
telnyx KEY0 [0-9A-Fa-f]{28,}_[A-Za-z0-9]{20,}
typeform tfp_ [\w-]{40,}
netlify nf [pcoub]_[A-Za-z0-9]{36}
vault hvb. [\w-]{60,}
vault hvr. [\w-]{60,}
vercel vcp_ [A-Za-z0-9]{24,}
xai xai- [\w-]{60,}
yandex t1. [\w=-]{40,}\.[\w=-]{80,}
yandex AQVN [\w-]{35,38}(?![\w-])
yandex YC (?=[\w-]{0,37}\d)(?=[\w-]{0,37}[a-z])[\w-]{38}(?![\w-])
zuplo zpka_ [0-9a-f]{32}_[0-9a-f]{8}
"""


_SHORTEST_WORD: Final = 15
_IN_WORDS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+/=$~@%-")
_SHAPE: Final = bytes(ord("x") if code in _IN_WORDS else ord(" ") for code in range(256))
"""Translates a text to `x` for each character of a word and a blank for all others, of which runs are found at once."""
_LONG_RUN: Final = b"x" * _SHORTEST_WORD

_LONGEST_WORD: Final = 4096
"""A longer one is data in base64 or the like, in which no short prefix means anything."""


class Issued(NamedTuple):
    """A form of token. `hint` is a part of every one that a text can be searched for quickly."""

    kind: str
    hint: str
    pattern: re.Pattern[str]
    then: str = ""
    """A pattern for what follows the hint in every one; empty where that is not known."""


def edged(prefix: str, before: str = "0-9A-Za-z") -> str:
    r"""`prefix` where it does not continue another word; a literal `\n`, `\r` or `\t` in front is an edge too."""
    return rf"{prefix}(?:(?<![{before}]{prefix})|(?<=\\[nrt]{prefix}))"


# Not of a class with \w, which are letters outside ASCII too: those are in no long word.
_FIRST_LETTERS: Final = re.compile(r"(\[[^\]\\]+\])(?:\{(\d+)[,}]|(?![{*?+]))")


def _read(forms: str) -> Iterator[Issued]:
    for line in forms.strip().splitlines():
        kind, prefix, rest = line.split(" ", 2)
        then = _FIRST_LETTERS.match(rest)
        pattern = re.compile(edged(re.escape(prefix)) + rest)
        yield Issued(kind, prefix, pattern, then=f"{then[1]}{{{then[2] or 1}}}" if then else "")


ISSUED: Final = tuple(_read(_FORMS))
"""In no order that matters: no two forms match the same text."""


def any_of(words: Mapping[str, str]) -> str:
    """A pattern for any of `words`, each with a pattern for what follows it.

    It compares each letter of a text once, and not once per word.
    """
    by_first: dict[str, dict[str, str]] = {}
    for word, then in words.items():
        by_first.setdefault(word[:1], {})[word[1:]] = then
    ends = by_first.pop("", {})
    if "" in ends.values():  # a word ends here, so those that continue it need not be looked for
        return ""
    branches = [re.escape(first) + any_of(rest) for first, rest in sorted(by_first.items())]
    branches += ends.values()
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _then_by_hint(forms: Iterable[Issued]) -> dict[str, str]:
    """What follows each hint, which several forms may have."""
    then: dict[str, set[str]] = {}
    for form in forms:
        then.setdefault(form.hint, set()).add(form.then)
    return {hint: "" if "" in found else f"(?:{'|'.join(sorted(found))})" for hint, found in then.items()}


# The backslash of a literal `\n`, which is an edge too, is not part of a long word.
_ANY_HINT: Final = re.compile(rf"(?<![0-9A-Za-z])[nrt]?{any_of(_then_by_hint(ISSUED))}")


def long_words(text: str) -> list[bytes]:
    """The words of `text` that are long enough to be a token, each once.

    Every token is part of one: a hundred searches cost less in these than in the whole text.
    """
    encoded = text.encode("utf-8", "surrogatepass")
    shape = encoded.translate(_SHAPE)
    found: dict[bytes, None] = {}
    start = shape.find(_LONG_RUN)
    while start >= 0:
        end = shape.find(b" ", start + _SHORTEST_WORD)
        if end < 0:
            end = len(shape)
        found[encoded[start:end]] = None
        start = shape.find(_LONG_RUN, end)
    return list(found)


def possibly_issued(words: str) -> Iterator[Issued]:
    """The forms that a text can hold whose long words are `words`, with blanks between them."""
    if len(words) > _LONGEST_WORD:
        words = " ".join(word for word in words.split(" ") if len(word) <= _LONGEST_WORD)
    if _ANY_HINT.search(words):
        yield from (form for form in ISSUED if form.hint in words)
