"""Each kind of secret by itself. Test values are put together here, so that no scanner takes them for real."""

from __future__ import annotations

import pytest

from carryover.redact import redact

MIXED = "4eC39HqLyjWDarjtT1zdp7dcQx0Zb8Kf5mVn2sPg6TrUw3aYhEiJoLk9"
HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("aws", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("google", "ya29." + MIXED[:40]),
        ("github", "ghp_" + MIXED[:36]),
        ("github", "github_pat_" + MIXED[:22] + "_" + MIXED),
        ("gitlab", "glpat-" + MIXED[:20]),
        ("slack", "xoxb-123456789012-123456789012-" + MIXED[:24]),
        ("stripe", "sk_" + "live_" + MIXED[:24]),
        ("openai", "sk-" + MIXED[:48]),
        ("openai", "sk-proj-" + MIXED[:20] + "_-" + MIXED[:20]),
        ("anthropic", "sk-ant-" + "api03-" + MIXED[:40] + "-AA"),
        ("pypi", "pypi-" + "AgEIcHlwaS5vcmc" + MIXED),
        ("sendgrid", "SG." + MIXED[:22] + "." + MIXED[:43]),
        ("twilio", "SK" + HEX[:32]),
        ("telegram", "110201543:" + "AA" + MIXED[:33]),
        ("discord", "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + MIXED[:27]),
        ("azure", "abc8Q~" + MIXED[:34]),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + MIXED[:43]),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0"),
    ],
)
@pytest.mark.parametrize("frame", ["{}", "see {} there", '"{}",', "('{}')", "first\\n{}\\nlast", "12→{}"])
def test_a_known_token_is_replaced_wherever_it_stands(kind: str, secret: str, frame: str) -> None:
    assert redact(frame.format(secret)) == (frame.format(f"[redacted:{kind}]"), {kind: 1})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("AccountName=shop;AccountKey=" + MIXED + "==;X=y", "AccountName=shop;AccountKey=[redacted:azure];X=y"),
        ("https://x.blob/c?sv=2024&sig=" + MIXED + "%3D&se=1", "https://x.blob/c?sv=2024&sig=[redacted:azure]&se=1"),
        ("https://hooks.slack.com/services/T01/B02/" + MIXED[:24], "https://hooks.slack.com/services/[redacted:slack]"),
        (
            "https://discord.com/api/webhooks/123456789012345678/" + MIXED,
            "https://discord.com/api/webhooks/123456789012345678/[redacted:discord]",
        ),
        ("https://api.telegram.org/bot110201543:AA" + MIXED[:33] + "/getMe", "https://api.telegram.org/bot[redacted:telegram]/getMe"),
        ("postgres://shop:hunter2@db:5432/app", "postgres://shop:[redacted:url-password]@db:5432/app"),
        ("redis://:p%40ss@cache", "redis://:[redacted:url-password]@cache"),
        ("https://me:p@ss@host/x", "https://me:[redacted:url-password]@host/x"),
        ("https://" + HEX[:32] + "@host/1", "https://[redacted:url-password]@host/1"),
        ("It is ya29." + MIXED[:24] + "." + MIXED[:8] + ". Keep it.", "It is [redacted:google]. Keep it."),
    ],
)  # fmt: skip
def test_what_stands_around_a_secret_is_kept(text: str, kept: str) -> None:
    hidden, counts = redact(text)

    assert (hidden, sum(counts.values())) == (kept, 1)


def test_an_aws_secret_beside_its_id_is_replaced_too() -> None:
    """Credential files that the AWS console hands out have both in one line and no names."""
    assert redact("AKIA" + "IOSFODNN7EXAMPLE," + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY") == (
        "[redacted:aws],[redacted:aws]",
        {"aws": 2},
    )


@pytest.mark.parametrize(
    "text",
    [
        "WALKIA" + "A" * 16,
        "AKIA" + "A" * 17,
        "DISK" + HEX[:32],
        "ghp_" + "x" * 36,
        "sk-your-api-key-here-and-more-words",
        "123456:" + "a" * 35,
        "data:image/png;base64,eyJ2ZXJzaW9uIjozfQ==",
    ],
)
def test_what_only_resembles_a_token_stays(text: str) -> None:
    assert redact(text) == (text, {})


LINES = [
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu",
    "q1A+/cxVpQ==",
]
BEGIN = "-----BEGIN RSA PRIVATE KEY-----"
END = "-----END RSA PRIVATE KEY-----"
MARK = "[redacted:private-key]"


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_a_whole_key_becomes_one_mark(kind: str) -> None:
    key = "\n".join((f"-----BEGIN {kind}PRIVATE KEY-----", *LINES, f"-----END {kind}PRIVATE KEY-----"))

    assert redact(f"before\n{key}\nafter") == (f"before\n{MARK}\nafter", {"private-key": 1})


def test_a_service_account_keeps_its_other_fields() -> None:
    key = "\\n".join((BEGIN, *LINES, END, ""))

    assert redact(f'{{"type": "service_account", "private_key": "{key}", "client_id": "7"}}') == (
        f'{{"type": "service_account", "private_key": "{MARK}\\n", "client_id": "7"}}',
        {"private-key": 1},
    )


@pytest.mark.parametrize(
    "join",
    ["\n", "\r\n", "\\n", "\\\\n", "\n    ", "\n+", "\n> ", "\n  12→", '\\n"\n"'],
    ids=["plain", "crlf", "escaped", "twice-escaped", "indented", "diff", "quoted", "line-numbers", "string-literals"],
)
def test_a_key_that_was_cut_off_is_hidden_to_its_last_character(join: str) -> None:
    cut = join.join((BEGIN, *LINES[:2], LINES[0][:9]))

    assert redact(f"key:\n{cut}") == (f"key:\n{MARK}", {"private-key": 1})


def test_text_after_a_cut_key_is_kept() -> None:
    cut = "\n".join((BEGIN, *LINES[:2]))

    assert redact(f"{cut}\n... output was cut here ...\n$ ls") == (
        f"{MARK}\n... output was cut here ...\n$ ls",
        {"private-key": 1},
    )


def test_a_key_whose_beginning_was_cut_off_is_hidden() -> None:
    tail = "\n".join((*LINES, END))

    assert redact(f"$ tail -3 id_rsa\n{tail}\ndone") == (f"$ tail -3 id_rsa\n{MARK}\ndone", {"private-key": 1})


def test_two_keys_are_two() -> None:
    key = "\n".join((BEGIN, *LINES, END))

    assert redact(f"{key}\nbetween\n{key}\n") == (f"{MARK}\nbetween\n{MARK}\n", {"private-key": 2})


@pytest.mark.parametrize(
    "text",
    [
        f'if "{BEGIN}" in text and text.endswith("{END}"):',
        f"grep -rn '{BEGIN}' .",
        "-----BEGIN PUBLIC KEY-----\n" + "\n".join(LINES) + "\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\n" + "\n".join(LINES) + "\n-----END CERTIFICATE-----",
    ],
)
def test_armour_without_a_private_key_stays(text: str) -> None:
    assert redact(text) == (text, {})


@pytest.mark.parametrize(
    "line",
    [
        "curl -u dev:{}",
        "curl\t-u dev:{}",
        "curl --proxy-user dev:{} https://host",
        "wget --http-password={}",
        "mysqldump -p{} shop",
        "mariadb-dump -u dev -p{}",
        "sshpass -p {} ssh host",
        "docker login --password {}",
        "gh secret set NAME --body {}",
        "openssl rsa -passin pass:{}",
        "redis-cli -a {}",
        "redis-cli --pass {}",
        "htpasswd -cb file dev {}",
        "htpasswd -5b file dev {}",
        "smbclient //host -U dev%{}",
        "sqlcmd -S host -P {}",
        "lftp -u dev,{}",
        "aws configure set default.aws_session_token {}",
        "aws configure set aws_secret_access_key {}",
        '<add key="Shop.Password" value="{}" />',
        "//host/:_auth={}",
    ],
)
def test_a_password_given_to_a_program_is_hidden(line: str) -> None:
    assert "q7Wz-4mK" not in redact(line.replace("{}", "q7Wz-4mK"))[0]


@pytest.mark.parametrize("host", ["db.example.com:5432", "*:*", "localhost:15432"])
def test_a_line_of_pgpass_is_hidden(host: str) -> None:
    assert redact(f"{host}:shop:owner:s3cretpw\n")[0] == f"{host}:shop:owner:[redacted:password]\n"


VALUE = "q7Wz4mK9xT2"


@pytest.mark.parametrize(
    "text",
    [
        "MY_TOKEN={}",
        "export TOKEN={} # mine",
        "A=1\\nTOKEN={}\\nB=2",
        "auth-token: {}, next",
        "'token' => '{}'",
        '"token": "{}", "c": 1',
        '{\\"token\\": \\"{}\\", \\"c\\": 1}',
        '"{\\\\\\"token\\\\\\": \\\\\\"{}\\\\\\"}"',
        "token: str = '{}'",
        '["TOKEN={}","B=1"]',
        "-H 'X-Token: {}' http://h",
        "<token>{}</token>",
        "--token {} --verbose",
        "token = '{}\nnext line",
        'token="""{}"""',
        "the token is {}.",
        'set("token", "{}")',
        "  - token: {}  # x",
        "+ token: {}",
    ],
)
def test_the_value_is_found_in_each_notation(text: str) -> None:
    assert redact(text.replace("{}", VALUE)) == (text.replace("{}", "[redacted:token]"), {"token": 1})


@pytest.mark.parametrize(
    "text",
    [
        "token = get(q7Wz4mK9)",
        "token = tokens[0]",
        "token = self.q7Wz4mK9",
        "TOKEN=f(x, y)",
        "the token abc",
        "<a token>q7Wz4mK9</a>",
        "value>token>q7Wz4mK9",
    ],
)
def test_code_and_mere_words_are_no_assignment(text: str) -> None:
    assert redact(text) == (text, {})
