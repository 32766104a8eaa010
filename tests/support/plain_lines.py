"""Ordinary lines of code, settings, logs and prose that hold no secret, though they resemble lines that do."""

from __future__ import annotations

from typing import Final

PLAIN: Final = r"""
the token is invalid, so the request is refused
the password is required
the password is wrong or has expired
The password is stored in the keychain, not in the repository.
My password manager asked again.
use a strong password with at least 12 characters
use the token from the environment
use argon2id as the password hash
the api key is missing from the request
the API key is read from OPENAI_API_KEY
the secret is rotated every 90 days
our token is short-lived and refreshed by middleware
the key is user_id and the value is a list of sessions
here is my key insight: cache invalidation comes first
here is the token endpoint: https://auth.example.com/oauth2/token
Login: enter your name, password: enter your password
credentials: include
credentials: admin / viewer / editor roles
token: ${{ secrets.GITHUB_TOKEN }}
password: ${DB_PASSWORD:-}
password: "{{ vault_db_password }}"
apiKey: process.env.API_KEY,
const token = await getToken();
const apiKey = config.get("apiKey");
token = tokens[position + 1]
token = next(iter(tokens))
if token == "identifier":
    token_type = "Bearer"
self.secret = secret
self.password_hash = hash_password(password)
password: string;
password?: string | null;
def check_password(password: str, hashed: bytes) -> bool:
@field_validator("password")
password = getpass.getpass("Password: ")
label="Password"
placeholder="Enter your API key"
<input type="password" name="password" autocomplete="current-password">
"forgot_password": "Forgot your password?",
"invalid_token": "The token has expired.",
"password_changed": "Your password has been changed",
error: invalid_grant: refresh token has expired or was revoked
ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)
FATAL: password authentication failed for user "postgres"
remote: Support for password authentication was removed on August 13, 2021.
error TS2322: Type 'string' is not assignable to type 'Token'.
SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON
KeyError: 'api_key'
UnexpectedToken: unexpected token: 'end-of-file'
warning: unused variable: `secret_key`
max_tokens=4096
"max_tokens": 128000,
"input_tokens": 18234, "output_tokens": 512, "cache_read_input_tokens": 90112
prompt_tokens: 1234
tokens_per_second: 81.5
token_count=151232
total tokens: 200000
tokenizer: cl100k_base
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
pad_token_id=50256
eos_token = "<|endoftext|>"
num_key_value_heads: 8
primary_key=True
PRIMARY KEY (id, created_at)
foreign_key: users.id
keys = sorted(counts.keys())
key=lambda item: item[1]
sort_key = "created_at"
cache_key = f"user:{user_id}"
keyboard_shortcut: ctrl+shift+p
hotkey: Cmd+K
public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGhN2u0tLxh3R5mRk3mP0vJ8oVQ9s1l3qkq7b6m2a9dQ dev@laptop
ssh-rsa key of the deploy user
commit 3f786850e387550fdab836ed7e6dc881de23001b
Merge commit 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3' into main
index 8d1c8b69c3..e5fa44f2b3 100644
git checkout 26f84b6 -- src/app.py
HEAD is now at 38ccaf9 Keep tokens out of the log
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"integrity": "sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==",
<script integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"></script>
etag: W/"5e15153d-120f7e8a9c3"
x-request-id: 7b2f9a1c-3d4e-4f5a-8b6c-9d0e1f2a3b4c
request_id=req_011CSHoEeqs5C35K2UUqR7Fy
trace_id: 4bf92f3577b34da6a3ce929d0e0e4736
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
span_id=00f067aa0ba902b7
session 019a3c5e-7d2b-7c11-9f0a-2b4d6e8f0a1c started
session_id: 01JD3X9V7YH2M4K8P6Q0R5T1WZ
"uuid": "550e8400-e29b-41d4-a716-446655440000",
id: msg_01XFDUDYJgAACzvnptvVoYEL
toolu_01A09q90qw90lq917835lq9
"id": "chatcmpl-9XyZabcDEFghIJKlmnOPqrSTuvW",
pi_3MtwBwLkdIwHu7ix28a3tqPa is the payment
cus_NffrFeUfNV2Hib has no card
price_1MoBy5LkdIwHu7ixZhnattbh
arn:aws:iam::123456789012:role/deploy
arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf
ami-0abcdef1234567890
i-0123456789abcdef0 is running
vpc-0a1b2c3d4e5f67890
projects/shop/secrets/db-password/versions/latest
op://vault/shop/password
vault:secret/data/shop#password
/run/secrets/db_password
~/.ssh/id_ed25519
/etc/ssl/private/server.key
--key certs/server.key --cert certs/server.pem
--password-stdin
--token-file ./token.txt
docker login --password-stdin registry.example.com
curl -u "$USER:$TOKEN" https://api.example.com
curl -H "Authorization: Bearer $TOKEN" https://api.example.com
curl -fsSL https://example.com/install.sh | sh
psql -h localhost -U app -d shop -p 5432
mysql -u root -p
ssh -p 2222 dev@example.com
ssh-keygen -t ed25519 -C dev@example.com
ssh-keygen -R example.com -N ""
scp -P 2222 a.txt dev@example.com:
unzip -P
unzip -q archive.zip -d out
zip -r out.zip folder
7z x archive.7z -oout
keytool -list -keystore app.jks
gpg --verify file.sig file
mkdir -p src/components/password-reset
cp -p a b
redis-cli -h cache -p 6379 -a
redis-cli ping
mosquitto_sub -h mq -t sensors/# -p 1883
vault login -method=oidc
vault kv get secret/shop
cargo login --registry internal
npm config set registry https://registry.example.com/
npm config get //registry.npmjs.org/:_authToken
ngrok http 8080
kubectl get secret db -o jsonpath='{.data.password}'
kubectl create secret generic db --from-file=password.txt
helm install db bitnami/postgresql --set auth.existingSecret=db-login
oc login --web
gcloud secrets versions access latest --secret=db-password
aws secretsmanager get-secret-value --secret-id shop/db
nmcli dev wifi list
ansible-playbook site.yml --ask-vault-pass
java -Xmx2g -Dspring.profiles.active=prod -jar app.jar
ALTER USER app WITH PASSWORD $1;
CREATE USER app IDENTIFIED BY ?;
SELECT password_hash FROM users WHERE email = $1
INSERT INTO tokens (id, user_id, expires_at) VALUES (?, ?, ?)
define('DB_PASSWORD', getenv('DB_PASSWORD'));
define('WP_DEBUG', true);
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ.setdefault("API_TOKEN", "")
os.environ["API_TOKEN"]
SECRET_KEY = os.environ["SECRET_KEY"]
SECRET_KEY = env("SECRET_KEY")
API_KEY=your-api-key-here
API_KEY=<your key>
API_KEY=xxxxxxxxxxxxxxxx
API_KEY=
export TOKEN=$(cat token.txt)
TOKEN=$(gh auth token)
GITHUB_TOKEN: ${{ github.token }}
spring.datasource.password=${DB_PASSWORD}
postgres://localhost:5432/shop
postgres://$USER:$PASSWORD@db/shop
postgresql://user:password@host/db
https://example.com:8443/path@v2
https://github.com/owner/repo/blob/main/src/tokens.py#L10-L20
https://api.example.com/v1/items?page=2&sort_key=name
https://www.google.com/search?q=how+to+rotate+a+secret+key
https://discord.com/channels/112233445566778899/112233445566778899
https://hooks.example.com/docs/webhooks
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
https://mainnet.infura.io/v3/YOUR-PROJECT-ID
https://eth-mainnet.g.alchemy.com/v2/
import { createSecretKey } from "node:crypto";
from secrets import token_urlsafe
token_urlsafe(32)
secrets.token_hex(16)
jwt.decode(token, key, algorithms=["HS256"])
headers = {"Authorization": f"Bearer {token}"}
req.headers["x-api-key"]
Authorization: Bearer <token>
X-Api-Key: <key>
Set-Cookie is a response header
Cookie: a request header
Bearer tokens are sent in the Authorization header
basic authentication needs a user name
WWW-Authenticate: Basic realm="example"
Access-Control-Allow-Headers: Authorization, X-Api-Key
class TokenBucketRateLimiter:
def test_a_token_that_expired_is_refused(client):
tests/unit/redact/test_tokens.py::test_tokens_of_providers PASSED
src/components/PasswordStrengthMeter/PasswordStrengthMeter.test.tsx
node_modules/@aws-sdk/credential-provider-node/dist-cjs/index.js
git commit -m "Rotate the signing key and drop the old password column"
feat(auth): add passwordless login
- [ ] rotate API keys before the release
# TODO: move secrets to the vault
// token: the string between two blanks
# password: read from the keychain
 * @param token - the access token of the user
 * @throws if the secret is empty
| token | string | the access token |
| `password` | `SecretStr` | required |
token;string;the access token
1. Create an API key: Settings → Developers → API keys
Access key: press Alt+Shift+S
Secret: a value that only you know
secret santa: everyone draws a name
pass: 12, fail: 0
12 passed, 3 skipped in 4.56s
pass_rate=0.98
bypass_cache=1
passive_health_check: interval=10s
compass heading: 270
author: octocat
authority=login.microsoftonline.com
auth_method: oidc
auth_provider = "github"
auth_url=https://auth.example.com/realms/shop
client_id=3f6c1e9a7b2d4c5e8f0a
grant_type=client_credentials
response_type=token
token_endpoint_auth_method=client_secret_basic
key_id: alias/aws/s3
kms_key_id = aws_kms_key.main.arn
secretName: db-tls
secretKeyRef: {name: db, key: password}
imagePullSecrets: [{name: registry}]
automountServiceAccountToken: false
image: ghcr.io/example/shop@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
font: 700 14px/1.5 "Inter", sans-serif
background: url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk)
.btn_primary__3xK9a { color: #1a2b3c; }
main.8f3a2c1b.chunk.js  142.31 kB
chunk-2QKJ3HZT.js
T01ABCDEF is the workspace
version: 2.0.0-rc.1+build.20250101
Requires-Dist: cryptography>=42.0.0,<43
sk-learn is spelled scikit-learn
task-2024-11-21-deploy-preview-environment
risk-assessment-and-mitigation-plan-2025
ask-me-anything-about-the-new-release-2
disk-usage-monitor-for-linux-servers-v2
re_compile_everything_and_run_tests_again
as-implemented-in-the-reference-code
fc-list-available-fonts-on-this-system
pa-rent-child-relationships-in-trees
live_reload_is_enabled_for_this_project1
api-gateway-routes-for-the-public-site-v1
secret-scanning-alerts-are-enabled-here-2
o.property_with_a_long_name_in_an_object1
s.replace_all_the_things_with_others_12345
0.1.2-alpha.3-build-20251121-linux-x86-64
mfa.enrollment_is_required_for_all_administrators
oauth:authorization_code_with_pkce_flow_2
cio-and-cto-met-about-the-infrastructure
1//2 of the tests are flaky
0x00000000000000000000000000000000000000000000000000000000000000ff
0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D is the router
xvlyhw.something:else
"""
"""One line each; none may change."""
