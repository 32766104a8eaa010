"""Each kind of secret by itself. Test values are put together here, so that no scanner takes them for real."""

from __future__ import annotations

import json
from itertools import pairwise, product

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
        ("facebook", "EAAC" + MIXED[:40]),
        ("facebook", "EAACEdEose0cBA" + MIXED[:30] + "ZDZD"),
        ("telegram", "110201543:" + "AA" + MIXED[:33]),
        ("discord", "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + MIXED[:27]),
        ("azure", "abc8Q~" + MIXED[:34]),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + MIXED[:43]),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0"),
        ("aws", "IQoJb3JpZ2lu" + "X2Vj" + MIXED + "/" + MIXED + "=="),
        ("aws", "FwoGZXIvYXdz" + MIXED + "+" + MIXED),
        ("appwrite", "standard_" + HEX * 4),
        ("convex", "eyJ2MiI6" + MIXED[:40] + "="),
        ("depot", "depot_" + "org_" + HEX),
        ("helicone", "sk-" + "helicone-abc1def-ghi2jkl-mno3pqr-stu4vwx"),
        ("incident", "inc_" + HEX),
        ("linear", "lin_" + "wh_" + MIXED[:40]),
        ("neon", "npg_" + MIXED[:12]),
        ("tinybird", "p." + "eyJ" + MIXED + "." + MIXED[:43]),
        ("warp", "wk-" + HEX),
        ("oauth", MIXED[:40] + "#" + MIXED[:43]),
        ("zai", HEX[:32] + "." + MIXED[:16]),
        ("supabase", "sbp_" + "v0_" + HEX[:40]),
        *(("honeycomb", f"hc{sort}_" + "01" + HEX[:56]) for sort in ("aik", "aic", "xik", "alk")),
        ("huggingface", "hf_" + "oauth_eyJhbGciOiJFZERTQSJ9." + MIXED),
        ("private-key", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" + MIXED + "=="),
        ("private-key", "MIIEpAIBAAKCAQEA" + MIXED),
        ("private-key", "MHcCAQEEI" + MIXED),
        ("private-key", "MIGHAgEAMBMGByqGSM49AgEG" + MIXED),
        ("private-key", "MC4CAQAwBQYDK2VwBCIEI" + MIXED),
        ("private-key", "b3BlbnNzaC1rZXktdjEA" + MIXED),
        *(("bitcoin", begin + MIXED[:49]) for begin in ("5H", "5J", "5K")),
        *(("bitcoin", begin + MIXED[:50]) for begin in ("Kw", "Kx", "Ky", "Kz", "L1", "L2", "L3", "L4", "L5")),
        *(("bitcoin", f"{net}prv" + MIXED * 2) for net in "xyzt"),
        *(("cloudflare", begin + MIXED[:40]) for begin in ("cfat_", "cfk_")),
        ("datadog", "ddw_" + MIXED[:34]),
        ("facebook", "EAAa" + MIXED * 2),
        ("flyio", "fm1r_" + MIXED * 2),
        ("newrelic", "NRIQ-" + MIXED[:32]),
        ("posthog", "phs_" + MIXED[:43]),
        ("prefect", "pnb_" + HEX[:36]),
        ("sendinblue", "xsmtpsib-" + HEX + "-" + MIXED[:16]),
        ("stripe", "pi_" + MIXED[:24] + "_secret_" + MIXED[:25]),
        ("telnyx", "KEY0" + HEX[:31].upper() + "_" + MIXED[:22]),
        ("vault", "hvr." + MIXED * 2),
        ("salesforce", "00D5g000004abcD!" + MIXED * 2),
        *(("azure", MIXED[:40] + mark + "A1b2==") for mark in ("APIM", "AzSe")),
        ("password-hash", "$1$abcd$" + MIXED[:22]),
        ("password-hash", "$P$" + MIXED[:31]),
        ("password-hash", "$y$j9T$" + MIXED[:22] + "$" + MIXED[:43]),
        *(("password-hash", f"${sort}$" + MIXED[:14] + "$" + MIXED[:43]) for sort in (8, 9)),
        ("password-hash", "pbkdf2_sha256$600000$" + MIXED[:22] + "$" + MIXED[:43] + "="),
        ("password-hash", "$5$rounds=5000$" + MIXED[:16] + "$" + MIXED[:43]),
    ],
)
def test_a_known_token_is_replaced_wherever_it_stands(kind: str, secret: str) -> None:
    frames = ("{}", "see {} there", '"{}",', "('{}')", "first\\n{}\\nlast", "12→{}")

    replaced = [(frame.format(f"[redacted:{kind}]"), {kind: 1}) for frame in frames]
    assert [redact(frame.format(secret)) for frame in frames] == replaced


@pytest.mark.parametrize("places", [(2,), (3,), (9,), (20,), (2, 9, 30), tuple(range(1, 40))])
def test_a_token_split_by_unseen_signs_is_hidden_in_json(places: tuple[int, ...]) -> None:
    secret = "ghp_" + MIXED[:36]
    parts = [secret[start:end] for start, end in pairwise((0, *places, len(secret)))]
    for sign, ascii_only in product("\u200b\u200c\u200d\u200e\u2060\u2063\ufeff\u00ad\u180e", (True, False)):
        text = json.dumps({"said": f"It is {sign.join(parts)}."}, ensure_ascii=ascii_only)

        hidden, counts = redact(text)

        assert (hidden, counts) == ('{"said": "It is [redacted:github]."}', {"github": 1})


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "  \n    ", " │\n│ ", "\n> "])
def test_a_token_that_a_terminal_wrapped_is_hidden_to_its_end(breaks: str) -> None:
    lines = ("sk-proj-" + MIXED[:40], MIXED[:40], MIXED[:24])
    hidden, counts = redact(f"Key: {breaks.join(lines)}\nnext")

    assert (hidden, counts) == (f"Key: {breaks.join(['[redacted:openai]'] * 3)}\nnext", {"openai": 3})
    for below in ("3f786850e387550fdab836ed7e6dc881de23001b", "src/app/first_page.tsx", f"{MIXED[:24]} = 1"):
        assert redact(f"{lines[0]}\n{below}\n")[0] == f"[redacted:openai]\n{below}\n"


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u3000 "])
def test_blanks_of_web_pages_hide_no_secret(blank: str) -> None:
    hidden = redact(f"Login:{blank}dev\nPassword:{blank}{MIXED[:12]}")[0]

    assert hidden.splitlines()[1].split() == ["Password:", "[redacted:password]"]


@pytest.mark.parametrize("escape", ["\x1b", "\\u001b", "\\x1b", "\\033", "^[", ""])
@pytest.mark.parametrize(
    ("coloured", "shown"),
    [
        ("E[32mDB_PASSWORDE[0m=E[33m{}E[0m", "DB_PASSWORD=[redacted:password]"),
        ('E[1;34m"token"E[0mE[39m: E[0mE[0;32m"{}"E[0m', '"token": "[redacted:token]"'),
        (".envE[m:E[01;31mAPI_KEYE[m={}", ".env:API_KEY=[redacted:secret]"),
        ("E[36mghp_E[39mE[36m{}E[0m", "[redacted:github]"),
    ],
)
def test_colours_hide_no_secret(coloured: str, shown: str, escape: str) -> None:
    hidden, counts = redact(coloured.replace("E[", f"{escape}[").format(MIXED[:36]))

    assert (hidden, sum(counts.values())) == (shown, 1)


@pytest.mark.parametrize("end", ["\x1b(B\x1b[m", "\x1b[m\x0f", "\x1b[0m\x1b(B"])
def test_the_end_of_bold_as_tput_prints_it_hides_no_secret(end: str) -> None:
    hidden, counts = redact(f"\x1b[1mPassword:{end} {MIXED[:12]}\n\x1b[1mDB_PASSWORD{end}=zwiebel")

    assert (hidden, counts) == ("Password: [redacted:password]\nDB_PASSWORD=[redacted:password]", {"password": 2})


@pytest.mark.parametrize("sign", ["\u202a", "\u202c", "\u2066", "\u2068", "\u2069", "\u061c"])
def test_the_direction_marks_that_messengers_put_around_words_hide_no_secret(sign: str) -> None:
    assert redact(f"{sign}Password{sign}: {MIXED[:12]}") == ("Password: [redacted:password]", {"password": 1})


@pytest.mark.parametrize("nul", ["\x00", "\\u0000"])
@pytest.mark.parametrize("lead", ["\ufffd\ufffd", "\ufffd\ufffd\x00", ""])
def test_a_file_in_utf_16_that_is_printed_as_utf_8_hides_no_secret(lead: str, nul: str) -> None:
    text = nul.join(f"USER=dev\r\nDB_PASSWORD=zwiebel\r\nSLACK=xoxb-{MIXED[:24]}\r\n")

    hidden, counts = redact(f"$ cat settings.env\n{lead}{text}{nul}")

    assert counts == {"password": 1, "slack": 1}
    assert "DB_PASSWORD=[redacted:password]\r\nSLACK=[redacted:slack]\r\n" in hidden


def test_the_variables_of_a_process_are_not_joined() -> None:
    """`/proc/7/environ` holds them with a NUL between."""
    text = f"A=1\x00GITHUB=ghp_{MIXED[:36]}\x00B=2\x00C=x"

    assert redact(text) == ("A=1\x00GITHUB=[redacted:github]\x00B=2\x00C=x", {"github": 1})
    assert redact("A=1\x00B=2\x00C=x") == ("A=1\x00B=2\x00C=x", {})


def test_colours_stay_where_there_is_no_secret() -> None:
    text = "\x1b[32mpassed\x1b[0m a[m] = b[0m5]"

    assert redact(text) == (text, {})


@pytest.mark.parametrize("text", ["a \\u200b b", '{"a": "zero\\u200bwidth"}', "می\u200cخواهم", "👩\u200d💻"])
def test_unseen_signs_that_hide_nothing_stay(text: str) -> None:
    assert redact(text) == (text, {})


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
    printed = "ACCESSKEY\t{}\t2026-11-20T06:24:00Z\t{}\tActive\tdev"  # `aws iam create-access-key --output text`
    hidden, counts = redact(printed.format("AKIA" + "IOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
    assert (hidden, counts) == (printed.format("[redacted:aws]", "[redacted:aws]"), {"aws": 2})


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
        "ses_07f2a91c4ffeKqLmTRbYwXc3Vd" * 3,  # an id that was pasted three times
        "a **httpOnly** cookie, **SameSite=Lax**, **Secure** in production",
        "Set-Cookie: SameSite=Strict",
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


KEY = "\n".join((BEGIN, *LINES, END))
ESCAPED = KEY.replace("\n", "\\n")
CUT = "\n".join((BEGIN, *LINES[:2]))
TAIL = "\n".join((*LINES, END))
LONG = "It is said.\n" * 6_000


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f'{{"private_key": "{ESCAPED}\\n", "client_id": "7"}}', f'{{"private_key": "{MARK}\\n", "client_id": "7"}}'),
        (f"{CUT}\n... output was cut here ...\n$ ls", f"{MARK}\n... output was cut here ...\n$ ls"),
        (f"$ tail -3 id_rsa\n{TAIL}\ndone", f"$ tail -3 id_rsa\n{MARK}\ndone"),
        (f"first\n{TAIL}", f"first\n{MARK}"),
        (f"{LONG}{TAIL}", f"{LONG}{MARK}"),
        (f"{KEY}\nbetween\n{KEY}\n", f"{MARK}\nbetween\n{MARK}\n"),
    ],
    ids=["service account", "cut off at its end", "at its beginning", "below a word", "far below", "two"],
)
def test_what_stands_around_a_key_is_kept(text: str, hidden: str) -> None:
    assert redact(text) == (hidden, {"private-key": hidden.count(MARK)})


@pytest.mark.parametrize(
    "join",
    ["\n", "\r\n", "\\n", "\\\\n", "\n    ", "\n+", "\n> ", "\n  12→", '\\n"\n"'],
    ids=["plain", "crlf", "escaped", "twice-escaped", "indented", "diff", "quoted", "line-numbers", "string-literals"],
)
def test_a_key_that_was_cut_off_is_hidden_to_its_last_character(join: str) -> None:
    cut = join.join((BEGIN, *LINES[:2], LINES[0][:9]))

    assert redact(f"key:\n{cut}") == (f"key:\n{MARK}", {"private-key": 1})


@pytest.mark.parametrize("quote", ['"', '\\"', '\\\\\\"', "'"])
@pytest.mark.parametrize(
    "cookie",
    [
        '{"domain":".shop.example","hostOnly":false,"httpOnly":true,"name":"sid","path":"/","value":"VALUE"}',
        '{"name": "sid",\n  "value": "VALUE",\n  "domain": ".shop.example", "httpOnly": true, "sameSite": "Lax"}',
        '{"name": "cart", "value": "true", "httpOnly": false}, {"name": "sid", "value": "VALUE", "httpOnly": true}',
    ],
)
def test_the_value_of_an_exported_cookie_is_hidden(cookie: str, quote: str) -> None:
    kept = "Here they are: [" + cookie.replace('"', quote) + "]"

    for value in ("abcdefgh", MIXED, f"{HEX[:8]}-{HEX[:4]}"):
        assert redact(kept.replace("VALUE", value)) == (kept.replace("VALUE", "[redacted:cookie]"), {"cookie": 1})


def test_the_value_of_a_cookie_in_a_file_of_netscape_s_form_is_hidden() -> None:
    line = "#HttpOnly_.shop.example\tTRUE\t/\tTRUE\t1780849262\tsid\t"

    assert redact(f"{line}{MIXED}\n{line}short\n") == (f"{line}[redacted:cookie]\n{line}short\n", {"cookie": 1})
    lasting = line.replace("1780849262", "-1")
    assert redact(f"{lasting}{MIXED}") == (f"{lasting}[redacted:cookie]", {"cookie": 1})


def test_the_values_in_a_list_of_cookies_are_hidden_without_its_header() -> None:
    for around in ("{}", "Use '{}'.", "Log in:\n{}"):
        kept = around.format('cart=2; guest_id=v1%3A1776; sid=VALUE; kdt="VALUE"; theme=dark-blue-2; ct0=VALUE')
        for value in (MIXED, HEX):
            assert redact(kept.replace("VALUE", value)) == (kept.replace("VALUE", "[redacted:cookie]"), {"cookie": 3})
    rule = f"FREQ=DAILY;BYHOUR=9;HASH={HEX[:8]};INTERVAL=2"
    assert redact(rule) == (rule, {})


def test_a_list_of_cookies_is_found_by_what_large_sites_set_and_whatever_is_around_it() -> None:
    for kept in (
        "datr=VALUE; sb=VALUE; c_user=100012345678901; xs=VALUE",  # Facebook
        "SID=VALUE; HSID=VALUE; APISID=VALUE; theme=2",  # Google
        "buvid3=VALUE; SESSDATA=VALUE; bili_jct=VALUE; DedeUserID=1234567",  # Bilibili
        "_zap=VALUE; d_c0=VALUE; z_c0=VALUE; theme=2",  # Zhihu
        "ct0=VALUE; kdt=VALUE; AMCV_1%40AdobeOrg=1; att=VALUE",
        f"ct0=VALUE; {'a=1; ' * 80}att=VALUE; kdt=VALUE",
        "(ct0=VALUE; a=1; kdt=VALUE; att=VALUE)",
        "[ct0=VALUE; a=1; kdt=VALUE; att=VALUE]",
        "Cookies:kdt=VALUE; a=1; ct0=VALUE; att=VALUE",
    ):
        hidden = kept.replace("VALUE", "[redacted:cookie]")
        assert redact(kept.replace("VALUE", MIXED)) == (hidden, {"cookie": 3})


def test_a_value_that_is_of_no_cookie_stays() -> None:
    told = ('{"name": "httpOnly", "value": "required"}', '{"key": "httpOnly", "value": "Prevents a script"}')
    row = "1\tTRUE\t12\tAlice Smith\talice@example.com"
    for text in ('{"name": "theme", "value": "dark-blue-2"}', 'res.cookie("theme", { httpOnly: true })', row, *told):
        assert redact(text) == (text, {})


@pytest.mark.parametrize("said", ["shopapi 키값은 '{}'이야", "API ключ: {}", "API密钥是“{}”", "APIキーは `{}` です"])
def test_a_key_that_is_said_in_another_script_is_hidden(said: str) -> None:
    for key in (HEX[3:33], MIXED[:32]):
        assert redact(said.format(key)) == (said.format("[redacted:secret]"), {"secret": 1})


def test_what_stands_behind_an_api_and_is_no_key_stays() -> None:
    for text in ("API 문서: getUserInformationByIdentifier", "API at commit '0a1b2c3d4e5f60718293a4b5c6d7e8f9'"):
        assert redact(text) == (text, {})
