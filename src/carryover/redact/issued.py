"""Tokens that carry their issuer's mark: one line per form, with the shortest text that counts as a token.

The forms are those that issuers document and secret scanners look for. In `_FORMS` a line has the kind, the prefix that
must begin a word, and what follows it; in `_ANYWHERE` the kind, a part of each token, and the whole pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
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
dynatrace dt0 [a-z]\d\d\.[A-Z0-9]{8,24}\.[A-Z0-9]{60,}
sendinblue xsmtpsib- [0-9a-f]{60,}-[A-Za-z0-9]{16}
adyen AQE [A-Za-z0-9+/]{20,}[A-Za-z0-9+/=-]{80,}
backblaze K00 \d[A-Za-z0-9+/]{27}(?![A-Za-z0-9])
bitwarden 0. [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\.[A-Za-z0-9]{30}
cargo cio [A-Za-z0-9]{32}(?![A-Za-z0-9])
clickup pk_ (?:[0-9a-f]{34}|\d{6,10}_[A-Z0-9]{32}|(?:prod|test)_[A-Z0-9]{28})(?![A-Za-z0-9])
confluent cflt [A-Za-z0-9+/]{56,}
discord mfa. [\w-]{80,}
e2b e2b_ [0-9a-f]{40}
elastic essu_ [A-Za-z0-9+/]{40,}={0,2}
facebook IGQ [\w-]{100,}
firecrawl fc- [0-9a-f]{32}(?![0-9a-zA-Z-])
fireworks fw_ [A-Za-z0-9]{22,}
google 1//0 [\w-]{60,}
google APA91b [\w-]{100,}
infisical st. [0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}
intercom dG9rO [A-Za-z0-9+/]{40,}={0,2}
launchdarkly sdk- [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
launchdarkly api- [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
linkedin WPL_AP1. [\w-]{16}\.[\w+/]{6,}={0,2}
mezmo sts_ [0-9a-f]{32}
modal as- (?=\w{0,21}\d)[A-Za-z0-9]{22}(?![A-Za-z0-9-])
nuget oy2 [a-z0-9]{43}(?![A-Za-z0-9])
pagerduty pdus+_ \w+_[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
password-hash $2 [abxy]\$\d\d\$[A-Za-z0-9./]{53}
password-hash $5$ (?:rounds=\d{1,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{43}
password-hash $6$ (?:rounds=\d{1,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{86}
private-key LS0tLS1CRUdJTi (?:BSU0Eg|BFQyBQ|BQUklW|BPUEVO|BFTkNS)[A-Za-z0-9+/=]{40,}
pubnub sec-c- [A-Za-z0-9+/]{36,}
pushbullet o. [A-Za-z0-9]{32}(?![A-Za-z0-9])
riot RGAPI- [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
render rnd_ [A-Za-z0-9]{24,}
sanity sk [A-Za-z0-9]{160,}
snyk snyk_ (?:uat|sat)\.[0-9a-f]{8}\.[\w.-]{40,}
tencent AKID [A-Za-z0-9]{32}(?![A-Za-z0-9])
trello ATTA [0-9a-f]{64}[A-Za-z0-9]{8}
twitter AAAAAAAAAAAAAAAAAAAAA [A-Za-z0-9%]{80,}
vault s. (?=\w{0,23}\d)(?=\w{0,23}[A-Z])[A-Za-z0-9]{24}(?![\w.])
openai sk- (?:(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{16,}|[A-Za-z0-9]{20,}[A-Za-z0-9_-]*)
huggingface hf_ [A-Za-z0-9]{30,}
npm npm_ [A-Za-z0-9]{30,}
sendgrid SG. [A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,}
twilio SK [0-9a-f]{32}(?![0-9A-Za-z])
databricks dapi [0-9a-f]{32}(?:-\d)?(?![0-9A-Za-z])
groq gsk_ [A-Za-z0-9]{40,}
vault hvs. [A-Za-z0-9_-]{20,}
"""

_ANYWHERE: Final = r"""
anthropic sk-ant- sk-ant-[A-Za-z0-9_-]{12,}
github gh gh[pousr]_[A-Za-z0-9]{20,}
github github_pat_ github_pat_[A-Za-z0-9_]{20,}
gitlab gl gl(?:pat|ptt|dt|rtr?|cbt|ffct|ft|imt|agent|oas|soat|wt)-[A-Za-z0-9_-]{16,}(?:\.[\w.-]{4,40})?
aws IA A[KS]IA(?:(?<![0-9A-Za-z]....)|(?<=\\[nrt]....))[0-9A-Z]{16}(?![0-9A-Za-z])
google AIza AIza[A-Za-z0-9_-]{30,}
google ya29. ya29\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]++)*
google GOCSPX- GOCSPX-[A-Za-z0-9_-]{20,}
azure Key= Key=(?:(?<=AccountKey=)|(?<=SharedAccessKey=))([A-Za-z0-9+/%]{20,}={0,2})
azure sig= sig=(?<=[?&;]sig=)([A-Za-z0-9%+/_-]{20,}={0,2})
slack xox xox(?:[abcdeoprs]|e\.xox[bp])-[A-Za-z0-9-]{10,}
slack xapp- xapp-[0-9A-Za-z-]{16,}
slack hooks.slack.com/ hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{16,})
zapier hooks.zapier.com/ hooks\.zapier\.com/hooks/catch/\d+/([a-z0-9]{6,})
teams /IncomingWebhook/ /IncomingWebhook/([0-9a-f]{32}/[\w-]+)
ifttt /with/key/ /with/key/([A-Za-z0-9_-]{20,})
alchemy .alchemy.com/v2/ \.alchemy\.com/v2/([A-Za-z0-9_-]{20,})
infura .infura.io/v3/ \.infura\.io/v3/([0-9a-f]{32})
signature ignature= ignature=(?<=[?&-][Ss]ignature=)([A-Za-z0-9%+/_-]{20,}={0,2})
stripe sk_ sk_(?:live|test)_[A-Za-z0-9]{10,}
stripe rk_ rk_(?:live|test)_[A-Za-z0-9]{10,}
stripe whsec_ whsec_[A-Za-z0-9+/]{16,}={0,2}
pypi pypi- pypi-(?:Ag[A-Za-z0-9_-]{16,}|[A-Za-z0-9_-]{60,})
discord /api/webhooks/ /api/webhooks/\d{10,25}/([A-Za-z0-9_-]{20,})
digitalocean _v1_ do[opr]_v1_[a-f0-9]{32,}
docker dckr_pat_ dckr_pat_[A-Za-z0-9_-]{20,}
shopify shp shp(?:at|ss|ca)_[a-fA-F0-9]{32,}
age AGE-SECRET-KEY-1 AGE-SECRET-KEY-1[0-9A-Z]{20,}
"""


class Form(NamedTuple):
    """A form of token. `hint` is a part of every such token that is quick to search for.

    The whole match is the secret, or its only group if a part of it is kept. Each pattern begins with literal letters,
    and nothing that follows an unbounded run can fail, so no form takes more than linear time.
    """

    kind: str
    hint: str
    pattern: re.Pattern[str]


def _edged(prefix: str) -> str:
    r"""Returns `prefix` as a pattern for a word start; a literal `\n`, `\r` or `\t` before it is allowed."""
    return rf"{prefix}(?:(?<![0-9A-Za-z]{prefix})|(?<=\\[nrt]{prefix}))"


def _read(forms: str) -> Iterator[tuple[str, str, str]]:
    for line in forms.strip().splitlines():
        kind, prefix, rest = line.split(" ", 2)
        yield kind, prefix, rest


def _any_of(words: Iterable[str]) -> str:
    """Returns a pattern for any of `words` that compares each letter of a text once, not once per word."""
    by_first: dict[str, list[str]] = {}
    for word in words:
        by_first.setdefault(word[:1], []).append(word[1:])
    if "" in by_first:  # a word ends here, so those that continue it need not be looked for
        return ""
    branches = [re.escape(first) + _any_of(rest) for first, rest in sorted(by_first.items())]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


_JWT: Final = (
    r"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrt]eyJ))(?a:[\w-]{7,}+\."
    r"(?:eyJ[\w-]{4,}+(?:\.[\w-]*+)?|[\w-]*+\.[\w-]{10,}+(?:\.[\w-]{10,}+){0,2}))"
)

_ANYWHERE_FORMS: Final = (
    *(Form(kind, hint, re.compile(pattern)) for kind, hint, pattern in _read(_ANYWHERE)),
    Form("jwt", "eyJ", re.compile(_JWT)),
)
_PREFIXED: Final = tuple(
    Form(kind, prefix, re.compile(_edged(re.escape(prefix)) + rest)) for kind, prefix, rest in _read(_FORMS)
)
_BEGINS: Final = re.compile(rf"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))(?=({_any_of(form.hint for form in _PREFIXED)}))")


def possible_forms(words: str) -> Iterator[Form]:
    """Yields the forms whose tokens `words` may hold. A single search finds all prefixes, more than a hundred."""
    yield from (form for form in _ANYWHERE_FORMS if form.hint in words)
    for found in dict.fromkeys(_BEGINS.findall(words)):
        yield from _beginning_with(found)


@cache  # of the beginnings that `_BEGINS` finds
def _beginning_with(found: str) -> tuple[Form, ...]:
    return tuple(form for form in _PREFIXED if form.hint.startswith(found))
