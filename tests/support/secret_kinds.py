"""Kinds of secrets, by the forms that the public rule sets of secret scanners describe (prefix, alphabet, length).

In a form, `{w36}` are 36 letters and digits, `{b}` also `-_`, `{s}` also `+/`, `{h}` hexadecimal, `{l}` lower-case
letters and digits, `{U}` upper-case ones, `{d}` digits and `{u}` is a UUID. Secrets are made when a test runs, so that
no scanner takes them for real.
"""

from __future__ import annotations

import random
import re
import string
from typing import Final

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

ISSUED: Final = """
1password-account ops_eyJ{s250}
1password-key A3-{U6}-{U11}-{U5}-{U5}-{U5}
adobe p8e-{w32}
age AGE-SECRET-KEY-1{U58}
airtable pat{w14}.{h64}
alibaba LTAI{w20}
anthropic-admin sk-ant-admin01-{b93}AA
anthropic sk-ant-api03-{b93}AA
apify apify_api_{w36}
artifactory AKCp{w69}
artifactory-reference cmVmdGtu{w56}
asana-pat 2/{d16}/{d16}:{h32}
atlassian ATATT3xFfGF0{b170}={U8}
atlassian-repository ATCTT3xFfGN0{b150}={U8}
aws AKIA{U16}
aws-session ASIA{U16}
aws-bedrock ABSK{s128}
aws-bedrock-short bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t{s80}
azure-ad {w3}8Q~{b34}
azure-devops {w76}AZDO{w4}
baseten-like tskey-auth-{w16}-{w32}
bitbucket ATBB{w32}
bitbucket-server BBDC-{w44}
braintree access_token$production${l16}${h32}
browserstack-like percy_{h64}
buildkite bkua_{l40}
circleci CCIPAT_{w22}_{h40}
clickhouse 4b1d{w38}
clojars CLOJARS_{l60}
cloudflare-token cfut_{w40}{h8}
cloudflare-origin v1.0-{h24}-{h146}
contentful CFPAT-{b43}
databricks dapi{h32}
datadog ddp_{w36}
defined-networking dnkey-{l26}-{l52}
digitalocean dop_v1_{h64}
digitalocean-oauth doo_v1_{h64}
digitalocean-refresh dor_v1_{h64}
discord-bot MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.{b27}
docker dckr_pat_{b27}
docker-organization dckr_oat_{b32}
doppler dp.pt.{w43}
doppler-service dp.st.dev_config.{w43}
dropbox sl.{b140}
dropbox-short sl.u.{b140}
duffel duffel_live_{b43}
dynatrace dt0c01.{U24}.{U64}
easypost EZAK{w54}
easypost-test EZTK{w54}
endorlabs endr+{w16}
facebook EAAM{w90}
facebook-page EAAC{w120}
figma figd_{b40}
flutterwave FLWSECK_TEST-{h32}-X
flutterwave-live FLWSECK-{l32}-X
flyio fo1_{b43}
flyio-macaroon fm2_{s120}
frameio fio-u-{b64}
freemius-like sk_live_{w40}
gcp AIza{b35}
gcp-oauth ya29.{b60}
gcp-client GOCSPX-{b28}
github-pat ghp_{w36}
github-oauth gho_{w36}
github-app ghu_{w36}
github-server ghs_{w36}
github-refresh ghr_{w36}
github-fine github_pat_{w22}_{w59}
gitlab glpat-{b20}
gitlab-cicd glcbt-{w5}_{b20}
gitlab-deploy gldt-{b20}
gitlab-feature glffct-{b20}
gitlab-feed glft-{b20}
gitlab-mail glimt-{b25}
gitlab-agent glagent-{b50}
gitlab-oauth gloas-{b64}
gitlab-trigger glptt-{h40}
gitlab-runner-old GR1348941{b20}
gitlab-runner glrt-{b20}
gitlab-scim glsoat-{b20}
gocardless live_{b40}
grafana eyJrIjoi{w80}
grafana-cloud glc_{s60}
grafana-service glsa_{w32}_{h8}
groq gsk_{w52}
harness pat.{w22}.{h24}.{w20}
hashicorp-terraform {w14}.atlasv1.{b64}
heroku HRKU-AA{b58}
hubspot pat-na1-{u}
huggingface hf_{w34}
huggingface-org api_org_{w34}
infracost ico-{w32}
intra42 s-s4t2ud-{h64}
jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{b43}
langfuse sk-lf-{u}
langsmith lsv2_pt_{h32}_{h10}
linear lin_api_{w40}
lob live_{h35}
mailchimp {h32}-us12
mailgun key-{h32}
mapbox sk.eyJ1{w60}.{w22}
newrelic NRAK-{U27}
newrelic-insert NRII-{b32}
newrelic-browser NRJS-{h19}
notion ntn_{d11}{w35}
notion-old secret_{w43}
npm npm_{w36}
nvidia nvapi-{b64}
octopus API-{U26}
okta 00{b40}
openai sk-proj-{b74}T3BlbkFJ{b74}
openai-old sk-{w20}T3BlbkFJ{w20}
openai-admin sk-admin-{b58}T3BlbkFJ{b58}
openrouter sk-or-v1-{h64}
openshift sha256~{b43}
paddle pdl_live_apikey_{l26}_{w22}_{w3}
perplexity pplx-{w48}
pinecone pcsk_{w6}_{w63}
plaid access-production-{u}
planetscale pscale_tkn_{b43}
planetscale-oauth pscale_oauth_{b43}
planetscale-password pscale_pw_{b43}
portainer ptr_{s43}
posthog phx_{w43}
postman PMAK-{h24}-{h34}
prefect pnu_{l36}
pulumi pul-{h40}
pypi pypi-AgEIcHlwaS5vcmc{b80}
ramp ramp_sec_{w48}
readme rdme_{l70}
replicate r8_{w37}
resend re_{w8}_{w24}
rootly rootly_{h64}
rubygems rubygems_{h48}
scalingo tk-us-{b48}
sendgrid SG.{b22}.{b43}
sendinblue xkeysib-{h64}-{w16}
sentry-org sntrys_eyJpYXQiO{s80}_{s43}
sentry-user sntryu_{h64}
settlemint sm_pat_{w16}
shippo shippo_live_{h40}
shopify shpat_{h32}
shopify-custom shpca_{h32}
shopify-private shppa_{h32}
shopify-shared shpss_{h32}
slack-app xapp-1-A{U10}-{d13}-{h64}
slack-bot xoxb-{d12}-{d13}-{w24}
slack-config xoxe.xoxp-1-{U163}
slack-refresh xoxe-1-{U146}
slack-user xoxp-{d12}-{d12}-{d12}-{h32}
sonar sqp_{h40}
sonar-user squ_{h40}
sourcegraph sgp_{h16}_{h40}
square EAAA{b60}
square-old sq0atp-{b22}
square-secret sq0csp-{b43}
stripe sk_live_{w24}
stripe-restricted rk_live_{w24}
stripe-webhook whsec_{w32}
supabase sbp_{h40}
supabase-secret sb_secret_{b31}
tailscale tskey-api-{w16}-{w32}
telegram 110201543:AA{b33}
tines-like tfp_{b50}
netlify nfp_{w36}
twilio SK{h32}
vault hvs.{b90}
vault-batch hvb.{b140}
vercel vcp_{w56}
weights xai-{w80}
yandex t1.{w80}.{b86}
yandex-cloud AQVN{b38}
yandex-static YC{b38}
zuplo-like zpka_{h32}_{h8}
"""
"""Secrets that their issuer marks by a prefix: hidden wherever they stand."""

NAMED: Final = """
adafruit ADAFRUIT_API_KEY={l32}
algolia ALGOLIA_API_KEY={h32}
aws-secret aws_secret_access_key = {s40}
aws-bedrock AWS_BEARER_TOKEN_BEDROCK={s60}
azure-devops AZURE_DEVOPS_EXT_PAT={l52}
beamer BEAMER_TOKEN="b_{w44}"
bittrex bittrex_secret_key: "{l32}"
cloudflare CLOUDFLARE_API_KEY={h37}
codecov CODECOV_TOKEN={u}
cohere CO_API_KEY="{w40}"
coinbase "coinbaseAccessToken": "{b64}"
confluent confluent_secret = "{l64}"
database DB_PASSWORD={w12}
database-yaml password: "{w12}"
datadog DD_API_KEY={h32}
docker-auth "auth": "{s40}="
docker-identity "identitytoken": "{b60}"
drone DRONE_TOKEN={l32}
etsy etsy_api_key='{l24}'
fastly FASTLY_API_TOKEN={b32}
generic-json {"client_secret": "{w32}"}
generic-escaped {\\"client_secret\\": \\"{w32}\\"}
generic-yaml apiKey: {w32}
generic-toml secret_key = "{w32}"
generic-js const apiKey = "{w32}";
generic-go apiToken := "{w32}"
generic-table | API_KEY | {w32} |
generic-csv-like PASSWORD;{w16}
generic-nested -e 'API_KEY="{w32}"'
generic-nested-double "export API_TOKEN='{w32}'"
generic-option --api-key {w32}
generic-option-glued --password={w14}
generic-xml <add key="ApiKey" value="{w32}" />
generic-xml-text <password>{w12}</password>
heroku HEROKU_API_KEY={u}
hubspot hubspot_key = "{u}"
kubernetes   password: {w24}
mailgun MAILGUN_SIGNING_KEY={h32}-{h8}-{h8}
messagebird MESSAGEBIRD_API_KEY={l25}
netrc machine api.example.com login dev password {w16}
netrc-lines machine git.example.com\\n  login dev\\n  password {w16}
npmrc //registry.example.com/:_authToken={u}
npmrc-old _auth={s40}=
npmrc-password _password={s24}=
nuget <add key="ClearTextPassword" value="{w20}" />
okta OKTA_CLIENT_TOKEN=00{b40}
pgpass db.example.com:5432:shop:dev:{w16}
postgres PGPASSWORD={w16} psql -h db
redis redis://:{w24}@cache:6379/0
mongodb mongodb+srv://dev:{w16}@cluster0.example.net/shop
postgres-url postgres://dev:{w16}@db:5432/shop
amqp amqps://dev:{w16}@mq/vhost
sidekiq BUNDLE_ENTERPRISE__CONTRIBSYS__COM={h8}:{h8}
snyk SNYK_TOKEN={u}
sumologic SUMO_ACCESS_KEY={w64}
twitter TWITTER_API_SECRET={l50}
twitter-bearer TWITTER_BEARER_TOKEN=AAAAAAAAAAAAAAAAAAAAA{w90}
zendesk ZENDESK_SECRET_KEY={l40}
"""
"""Secrets that their name or place gives away."""

COMMANDS: Final = """
curl-user curl -u dev:{w16} https://api.example.com/v1
curl-user-long curl --user 'dev:{w16}' https://api.example.com/v1
curl-bearer curl -H "Authorization: Bearer {w40}" https://api.example.com
curl-header curl -H 'X-Api-Key: {w32}' https://api.example.com
curl-query curl 'https://api.example.com/v1?api_key={w32}&page=2'
mysql mysql -u root -p{w12} shop
mysql-long mysql -u root --password={w12} shop
mysqldump mysqldump -uroot -p'{w12}' shop
sshpass sshpass -p {w12} ssh dev@host
sshpass-quoted sshpass -p '{w12}' scp a dev@host:
docker-login docker login -u dev -p {w24} registry.example.com
docker-login-long docker login --username dev --password {w24}
podman-login podman login -u dev -p {w24} registry.example.com
az-login az login --service-principal -u {u} -p {w34} --tenant {u}
heroku-set heroku config:set SECRET_KEY={w32}
gh-secret gh secret set TOKEN --body {w32}
git-url git clone https://dev:{w40}@github.com/dev/shop.git
kubectl kubectl create secret generic db --from-literal=password={w16}
aws-configure aws configure set aws_secret_access_key {s40}
openssl openssl enc -aes-256-cbc -pass pass:{w16} -in a
redis-cli redis-cli -h cache -a {w24} ping
wget wget --user=dev --password={w16} https://example.com/a
htpasswd htpasswd -b .htpasswd dev {w16}
smbclient smbclient //host/share -U dev%{w16}
sqlcmd sqlcmd -S db -U sa -P {w16} -Q "select 1"
ftp lftp -u dev,{w16} ftp.example.com
basic Authorization: Basic {s40}=
header X-Auth-Token: {w40}
cookie Cookie: session={w40}; theme=dark
set-cookie Set-Cookie: sid={w40}; Path=/
"""
"""Secrets on command lines and in HTTP."""


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
