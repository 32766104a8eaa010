"""A second list of kinds of secrets, drawn from what providers document, before any rule was written for it.

Notation as in `secret_kinds`. A secret that its issuer marks stands in frames that say nothing about it; one that has
no form of its own stands behind its name, in the notations in which names are written.
"""

from __future__ import annotations

from typing import Final

ISSUED: Final = """
openai sk-proj-{b74}T3BlbkFJ{b74}
openai-service sk-svcacct-{b74}T3BlbkFJ{b74}
anthropic sk-ant-api03-{b93}AA
anthropic-oauth sk-ant-oat01-{b93}AA
google-key AIzaSy{b33}
google-access ya29.a0{b160}
google-refresh 1//0{b98}
google-client GOCSPX-{b28}
firebase-messaging AAAA{b7}:APA91b{b134}
aws-key AKIA{U16}
aws-temporary ASIA{U16}
aws-bedrock ABSK{s128}
github ghp_{w36}
github-fine github_pat_{w22}_{w59}
github-server ghs_{w36}
gitlab glpat-{b20}
gitlab-routable glpat-{b27}.01.{l9}
gitlab-runner glrtr-{b20}
slack-bot xoxb-{d12}-{d13}-{w24}
slack-app xapp-1-A{U10}-{d13}-{h64}
slack-webhook https://hooks.slack.com/services/T01ABCDEF/B01ABCDEF/{w24}
stripe sk_live_{w99}
stripe-test sk_test_{w24}
stripe-webhook whsec_{w32}
square EAAA{b60}
sendgrid SG.{b22}.{b43}
twilio SK{h32}
npm npm_{w36}
pypi pypi-AgEIcHlwaS5vcmc{b150}
rubygems rubygems_{h48}
crates cio{w32}
nuget oy2{l43}
docker dckr_pat_{b27}
huggingface hf_{w34}
groq gsk_{w52}
perplexity pplx-{w48}
replicate r8_{w37}
together tgp_v1_{b43}
fireworks fw_{w24}
deepseek sk-{h32}
openrouter sk-or-v1-{h64}
xai xai-{w80}
cerebras csk-{l48}
elevenlabs sk_{h48}
voyage pa-{b43}
jina jina_{h32}{w28}
tavily tvly-{w32}
tavily-dev tvly-dev-{w32}
firecrawl fc-{h32}
langsmith lsv2_sk_{h32}_{h10}
langfuse sk-lf-{u}
weights-and-biases wandb_v1_{b80}
pinecone pcsk_{w6}_{w63}
helicone sk-helicone-{l7}-{l7}-{l7}-{l7}
llama-cloud llx-{w48}
browserbase bb_live_{b27}
e2b e2b_{h40}
modal as-{w22}
runpod rpa_{U46}
lambda-labs secret_shop_{h32}.{w32}
databricks dapi{h32}
neon napi_{l64}
planetscale pscale_tkn_{b43}
supabase sbp_{h40}
supabase-secret sb_secret_{b22}_{w8}
mongodb-atlas mdb_sa_sk_{b40}
cloudflare cfut_{w40}{h8}
vercel-blob vercel_blob_rw_{w16}_{w30}
vercel vcp_{w56}
netlify nfp_{w36}
render rnd_{w28}
flyio fm2_lJPECAAAAAAA{s120}
heroku HRKU-AA{b58}
digitalocean dop_v1_{h64}
alibaba LTAI5t{w18}
tencent AKID{w32}
yandex-oauth y0_{b55}
terraform {w14}.atlasv1.{b67}
vault hvs.{b90}
vault-old s.{w24}
pulumi pul-{h40}
doppler dp.st.prd.{w43}
infisical st.{h24}.{h32}.{h32}
onepassword ops_eyJ{s250}
bitwarden 0.{u}.{w30}:{s22}==
sentry-org sntrys_eyJpYXQiO{s80}_{s43}
newrelic NRAK-{U27}
grafana glsa_{w32}_{h8}
honeycomb hcaik_01{l56}
dynatrace dt0c01.{U24}.{U64}
dynatrace-oauth dt0s02.{U8}.{U64}
mezmo sts_{h32}
pagerduty pdus+_0XBPWQQ_{u}
posthog phx_{w43}
segment sgp_{w64}
launchdarkly-sdk sdk-{u}
launchdarkly-api api-{u}
statsig secret-{w43}
linear lin_api_{w40}
linear-oauth lin_oauth_{h64}
atlassian ATATT3xFfGF0{b170}={U8}
trello ATTA{h64}{U8}
notion ntn_{d11}{w35}
airtable pat{w14}.{h64}
asana 2/{d16}/{d16}:{h32}
clickup pk_{d8}_{U32}
figma figd_{b40}
hubspot pat-eu1-{u}
intercom dG9rO{s54}=
salesforce 00D5g000004abcD!AR{b90}
shopify shpat_{h32}
adyen AQE{w40}{s80}
mollie live_{w30}
paystack sk_live_{h40}
braintree access_token$production${l16}${h32}
plaid access-production-{u}
paddle pdl_live_apikey_01{l24}_{w22}_{w3}
mailchimp {h32}-us21
mailgun key-{h32}
resend re_{w8}_{w24}
brevo xkeysib-{h64}-{w16}
brevo-smtp xsmtpsib-{h64}-{w16}
klaviyo pk_{h34}
onesignal os_v2_app_{l103}
courier pk_prod_{U28}
telegram 6110201543:AA{b33}
discord-bot MTk4NjIyNDgzNDcxOTI1MjQ4.Gl2FMQ.{b38}
discord-webhook https://discord.com/api/webhooks/112233445566778899/{b68}
discord-user mfa.{b84}
twitch oauth:{l30}
twitter-bearer AAAAAAAAAAAAAAAAAAAAAA{w40}%3D{w42}
facebook EAAG{w110}
instagram IGQVJ{w120}
linkedin WPL_AP1.{w16}.{s6}==
teams-webhook https://example.webhook.office.com/webhookb2/6f1d@9c2e/IncomingWebhook/{h32}/{u}
azure-storage DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={s86}==;EndpointSuffix=core.windows.net
azure-entra {w3}8Q~{b34}
azure-devops {w76}AZDO{w4}
azure-sas https://shop.blob.core.windows.net/a?sv=2024-11-04&se=2027-01-01&sr=b&sp=r&sig={w43}%3D
azure-registry {w42}+ACR{w6}
azure-eventhub Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey={s37}+AEh{s3}=
azure-cosmos {w76}ACDb{w4}==
azure-openai {w52}JQQJ99BEACYeBjFXJ3w3AAABACOG{w4}
azure-functions {b44}AzFu{w4}==
artifactory AKCp{w69}
sonar sqa_{h40}
snyk snyk_uat.{h8}.{b40}.{b43}
circleci-project CCIPRJ_{w22}_{h40}
circleci CCIPAT_{w22}_{h40}
buildkite bkua_{l40}
buildkite-cluster bkct_{b70}
teamcity eyJ0eXAiOiAiVENWMiJ9.{b36}.{b48}
bitbucket ATCTT3xFfGN0{b150}={U8}
postman PMAK-{h24}-{h34}
readme rdme_{l70}
contentful CFPAT-{b43}
sanity sk{w178}
confluent cflt{s60}
elastic essu_{s76}==
tailscale tskey-client-{w16}-{w32}
mapbox sk.eyJ1{w60}.{w22}
nvidia nvapi-{b64}
portainer ptr_{s43}=
rancher token-ab3cd:{l54}
openshift sha256~{b43}
swarm SWMTKN-1-{l50}-{l25}
age AGE-SECRET-KEY-1{U58}
clerk sk_live_{w40}
stytch secret-live-{b36}=
pubnub sec-c-{s48}
ably xVLyHw.A1b2Cw:{b43}
backblaze K005{s27}
dropbox sl.u.{b140}
typeform tfp_{b44}
shippo shippo_live_{h40}
easypost EZAK{w54}
duffel duffel_live_{b43}
apify apify_api_{w36}
zapier-hook https://hooks.zapier.com/hooks/catch/1234567/{l8}/
ifttt https://maker.ifttt.com/trigger/door/with/key/{b43}
pushbullet o.{w32}
riot RGAPI-{u}
cloudinary cloudinary://123456789012345:{b27}@shop
sentry-dsn-secret https://0123456789abcdef0123456789abcdef:{h32}@sentry.example.com/2
alchemy-url https://eth-mainnet.g.alchemy.com/v2/{b32}
infura-url https://mainnet.infura.io/v3/{h32}
jwt eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{b43}
shadow $6${w16}${w86}
bcrypt $2b$12${w53}
"""
"""Secrets that their issuer or their form marks, which must be hidden wherever they stand."""

NAMED: Final = """
adafruit adafruit_io_key {l32}
algolia algolia_admin_key {h32}
amadeus amadeus_client_secret {w16}
amplitude amplitude_secret_key {h32}
assemblyai assemblyai_api_key {h32}
auth0 auth0_client_secret {b64}
bitly bitly_access_token {h40}
box box_client_secret {w32}
cohere cohere_api_key {w40}
codecov codecov_token {u}
coinbase coinbase_api_secret {w32}
customerio customerio_tracking_key {h20}
database db_password {w12}
database-url-part database_pwd {w14}
datadog datadog_app_key {h40}
deepgram deepgram_api_key {h40}
deployment deploy_token {w20}
encryption encryption_key {h64}
etherscan etherscan_api_key {U34}
eventbrite eventbrite_private_token {U20}
exa exa_api_key {u}
finnhub finnhub_api_key {l20}
gitea gitea_token {h40}
hashicorp nomad_token {u}
heroku heroku_api_key {u}
hetzner hcloud_token {w64}
ibm ibmcloud_api_key {b44}
jenkins jenkins_api_token 11{h32}
jwt-signing jwt_signing_key {w48}
keystore key_store_password {w14}
kubernetes k8s_bootstrap_token {l6}.{l16}
laravel app_key base64:{s43}=
linode linode_token {h64}
livekit livekit_api_secret {w43}
mailjet mailjet_secret_key {h32}
master master_password {w16}
meilisearch meili_master_key {b43}
mistral mistral_api_key {w32}
mux mux_token_secret {s75}
nextauth nextauth_secret {s43}=
ngrok ngrok_authtoken {w27}_{w21}
oauth oauth_client_secret {w40}
okta okta_api_token 00{b40}
opsgenie opsgenie_api_key {u}
ovh ovh_application_secret {w32}
passphrase ssh_key_passphrase {w16}
polygon polygon_api_key {w32}
postmark postmark_server_token {u}
pusher pusher_app_secret {h20}
rails rails_master_key {h32}
railway railway_token {u}
razorpay razorpay_key_secret {w24}
reddit reddit_client_secret {b27}
rollbar rollbar_access_token {h32}
s3 s3_secret_access_key {s40}
scaleway scw_secret_key {u}
session session_secret {w32}
shodan shodan_api_key {w32}
signing webhook_signing_secret {w32}
smtp smtp_pass {w16}
snowflake snowflake_password {w16}
snyk snyk_token {u}
splunk splunk_hec_token {u}
spotify spotify_client_secret {h32}
steam steam_web_api_key {U32}
storyblok storyblok_token {w24}
trello trello_api_key {h32}
turnstile turnstile_secret_key 0x4AAAAAAA{w24}
typesense typesense_api_key {w32}
upstash upstash_redis_rest_token A{w40}==
virustotal vt_api_key {h64}
vultr vultr_api_key {U36}
wasabi wasabi_secret_key {s40}
wise wise_api_token {u}
zendesk zendesk_api_token {w40}
zerotier zerotier_central_token {w32}
"""
"""Secrets without a form of their own: the name that stands beside one, in snake case."""

PLACED: Final = """
wireguard PrivateKey = {s43}=
ethereum PRIVATE_KEY=0x{h64}
kubernetes-client client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ{s120}
psql-url psql "postgresql://app:{w16}@db.example.com/shop"
jdbc jdbc:postgresql://db/shop?user=app&password={w16}&ssl=true
ado Server=db;Database=shop;User Id=app;Password={w16};Encrypt=true
odbc Driver=ODBC;Server=db;UID=app;PWD={w16};
mongosh mongosh "mongodb://h/db" -u dev -p {w16}
mongodump mongodump --host db --username dev --password {w16}
redis-url redis-cli -u redis://:{w24}@cache:6379
redis-pass redis-cli --pass {w24} ping
mysql mysql -h db -u root -p{w14} shop
sqlplus sqlplus scott/{w14}@//db:1521/XE
cqlsh cqlsh -u cassandra -p {w14} node1
ldapsearch ldapsearch -x -D cn=admin,dc=example -w {w14} -b dc=example
curl-basic curl -sS -u dev:{w16} https://api.example.com
curl-oauth curl --oauth2-bearer {w40} https://api.example.com
curl-form curl -d 'grant_type=password&username=dev&password={w16}' https://api.example.com
httpie http -a dev:{w16} GET api.example.com
wget-header wget --header "X-Api-Key: {w32}" https://api.example.com
zip zip -P {w14} out.zip a.txt
unzip unzip -P {w14} out.zip
sevenzip 7z x -p{w14} out.7z
gpg gpg --batch --passphrase {w16} -d a.gpg
openssl openssl pkcs12 -export -passout pass:{w16} -in a.pem
keytool keytool -genkey -storepass {w14} -keypass {w14}
ssh-keygen ssh-keygen -t ed25519 -N {w14} -f id
sshpass sshpass -p{w14} ssh dev@host
sudo-stdin echo {w14} | sudo -S apt update
login-stdin echo {w24} | docker login -u dev --password-stdin
chpasswd echo "dev:{w14}" | chpasswd
vault-login vault login {w26}
vault-kv vault kv put secret/shop password={w16}
consul consul kv get -token={u} a
docker-secret kubectl create secret docker-registry r --docker-password={w20}
kubectl-token kubectl --token={w40} get pods
helm helm install db bitnami/postgresql --set auth.postgresPassword={w16}
oc oc login https://api:6443 -u dev -p {w16}
gcloud gcloud sql users set-password app --instance=db --password={w16}
aws-rds aws rds create-db-instance --master-user-password {w16} --engine postgres
aws-secret aws secretsmanager create-secret --name a --secret-string {w24}
azure-vm az vm create -n a --admin-password {w16}
npm-config npm config set //registry.npmjs.org/:_authToken {u}
pip pip install --index-url https://dev:{w20}@pypi.example.com/simple a
poetry poetry config http-basic.shop dev {w20}
cargo cargo login {w32}
twine twine upload -u dev -p {w16} dist/*
nuget dotnet nuget add source https://n.example.com -u dev -p {w16}
composer composer config http-basic.repo.example.com dev {w20}
maven mvn deploy -Drepo.password={w16}
java java -Djavax.net.ssl.keyStorePassword={w14} -jar a.jar
ansible ansible-playbook a.yml -e ansible_password={w14}
ngrok ngrok config add-authtoken {w27}_{w21}
git-header git -c http.extraheader="AUTHORIZATION: basic {s48}" fetch
git-remote git remote set-url origin https://x-access-token:{w40}@github.com/a/b
svn svn checkout --username dev --password {w14} https://svn.example.com
mount mount -t cifs //nas/a /mnt -o username=dev,password={w14}
wifi nmcli dev wifi connect Home password {w14}
mosquitto mosquitto_pub -h mq -u dev -P {w14} -t a -m b
kafka kcat -b k:9092 -X sasl.password={w16} -L
rabbitmq rabbitmqctl add_user dev {w14}
sql-alter ALTER USER app WITH PASSWORD '{w14}';
sql-create CREATE USER app IDENTIFIED BY '{w14}';
php-define define('DB_PASSWORD', '{w14}');
php-salt define( 'AUTH_KEY', '{w64}' );
setenv os.environ.setdefault("API_TOKEN", "{w32}")
spring spring.datasource.password={w14}
maven-settings <server><id>a</id><password>{w14}</password></server>
xml-attribute <user name="dev" password="{w14}"/>
jaas PlainLoginModule required username="dev" password="{w14}";
kube-secret   password: {w18}==
tfvars db_password = "{w14}"
curl-signed https://a.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature={h64}
query-token https://api.example.com/v1?access_token={w40}
query-key https://api.example.com/v1?page=2&key={w32}
vault-header X-Vault-Token: {w26}
gitlab-header PRIVATE-TOKEN: {b20}
azure-header Ocp-Apim-Subscription-Key: {h32}
plain-header api-key: {w32}
google-header x-goog-api-key: {w39}
okta-header Authorization: SSWS 00{b40}
rails-header Authorization: Token token="{w32}"
basic-header Authorization: Basic {s30}=
genie-header Authorization: GenieKey {u}
datadog-header DD-API-KEY: {h32}
cookie-header Cookie: theme=dark; session_id={w40}
set-cookie Set-Cookie: connect.sid=s%3A{w32}; Path=/; HttpOnly
bearer-header authorization: Bearer {w40}
json-header "headers": {"x-api-key": "{w32}"}
prose-is the password is {w14}
prose-for my password for the staging server is {w14}
prose-as use {w16} as the password
prose-colon Login: admin, password: {w14}
prose-slash credentials: admin / {w14}
prose-key here is my API key: {w32}
prose-key-is the api key is {w32} and the region is eu
prose-token my token is {w40}
"""
"""Secrets that their place gives away: on command lines, in settings, headers and sentences."""

ISSUED_FRAMES: Final = {
    "env": "UPSTREAM={}",
    "json": '{"value": "{}", "n": 1}',
    "yaml": "  value: {}",
    "header": "X-Custom: {}",
    "url": "https://api.example.com/v1?x={}&page=2",
    "command": "tool run --with {} --now",
    "prose": "I pasted {} by mistake",
    "code": "connect('{}', 3)",
}
WHOLE_LINE: Final = {"env": "{}", "json": '{"value": "{}"}', "prose": "see {} there", "command": "$ {}"}
"""Frames of a form that is a line or a URL itself."""

NAMED_FRAMES: Final = {
    "env": "{UPPER}={}",
    "json": '{"{camel}": "{}", "n": 1}',
    "yaml": "  {snake}: {}",
    "header": "X-{Kebab}: {}",
    "url": "https://api.example.com/v1?{snake}={}&page=2",
    "command": "tool run --{kebab} {} --now",
    "prose": "The {words} is {} for now",
    "code": 'const {camel} = "{}";',
}
PLACED_FRAMES: Final = {
    "plain": "{}",
    "shell": "first\n$ {}\nlast",
    "prose": "Run `{}` now",
    "json": '{"command": "{escaped}", "n": 1}',
}
