"""What holds for every kind of secret at once: what stays, that twice is once, and that no text makes it slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.redact import redact
from support.secret_forms import json_lines

HIDDEN: list[list[str]] = json_lines("hidden")
STAYS: list[str] = json_lines("stays")


def test_a_secret_is_hidden_and_what_stands_around_it_is_kept() -> None:
    assert [[text, redact(text)[0]] for text, _ in HIDDEN] == HIDDEN


def test_ordinary_code_output_and_prose_and_placeholders_stay_as_they_are() -> None:
    assert [(text, redact(text)) for text in STAYS if redact(text) != (text, {})] == []


def test_each_secret_is_counted_under_its_kind() -> None:
    text = "DB_PASSWORD=hunter2\nOTHER_PASSWORD=hunter3\npostgres://app:pw1@db/shop\n"

    assert redact(text) == (
        "DB_PASSWORD=[redacted:password]\nOTHER_PASSWORD=[redacted:password]\n"
        "postgres://app:[redacted:url-password]@db/shop\n",
        {"url-password": 1, "password": 2},
    )
    assert redact("DB_PASSWORD=Hunter2-pass!\nIt is Hunter2-pass!\n")[1] == {"password": 2}


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "İstanbul ", "ß", "\U0001f600"])
def test_a_secret_is_found_beside_any_character(odd: str) -> None:
    """`İ` becomes two characters in lower case: places in the text must not shift."""
    assert redact(f"{odd}\nDB_PASSWORD=hunter2\n{odd}") == (
        f"{odd}\nDB_PASSWORD=[redacted:password]\n{odd}",
        {"password": 1},
    )


SECRETS = (
    "DB_PASSWORD=hunter2", '"password": "hun\\"ter2"', "--token abc123def", "AKIA" + "QWERTYUIOPASDFGH",
    "sk-ant-" + "a1" * 12,
    "Authorization: Bearer abcdef123456", "Cookie: sid=abc; x=y", "postgres://app:pw1@db",
    "eyJhbGciOiJ9.eyJzdWIiOiJ9.abcdef",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----",
    "password: hunter2", "SK" + "0af1" * 8,
    "110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1", "aws_secret_access_key = " + "wJalrXUtn+" * 4,
)  # fmt: skip
PIECES = st.sampled_from(
    (*SECRETS, *STAYS, *("\\n", '\\"', '"', "'", "\n", " ", "=", ":", "@", "://", "\x00", "[redacted:aws]"))
)


@given(st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join))
def test_redacting_again_changes_nothing_and_text_grows_within_bounds(text: str) -> None:
    once, _ = redact(text)

    assert redact(once) == (once, {})
    assert len(once) <= 5 * len(text) + 20


@given(st.sampled_from(SECRETS), st.lists(st.sampled_from(STAYS[:36]), max_size=3))
def test_a_secret_on_a_line_of_its_own_never_survives(secret: str, around: list[str]) -> None:
    # Apart, since an id right below a line that ends in `Token:` is one.
    text = "\nand\n".join((*around, secret, *around))

    hidden, counts = redact(text)

    assert sum(counts.values()) == 1
    assert secret not in hidden
    assert [line for line in around if line not in hidden] == []


HOSTILE = (
    "a", "a\x00", "-", "=", ":", "\\", " ", "\n", "/a", ".abcdef.", "123456:", "eyJ", "eyJaaaaaaaa.", "://", "://a:", "://u:p@",
    "[redacted:aws] ", "abcdefghijklmn ", "abcdefghijklmno ", " -", " -x", ":1:", ":*:", "pass", "key ",
    "sk-", "xoxb-", "ghp_", "SG.", "AKIA", "Q~", "?sig=", "api_key", "password=", "password: ",
    "--password ", "password=\"",
    "seed ", "mnemonic: legal ", "seed legal winner ", "Private-Lines: 1\n", "token (", "secret for a ", "api_key\n",
    "key: q8Zk1mXw93LpRt5Yb2Vn ", "DB_PASS=${DB_PASS:-", "pass\u200bword=", "token\",\"value\":\"",
    "<key>token</key><string>", "password=\\\"", "password='", "PASSWORD=a(", "token: a | b ", "<password>",
    "chpasswd:\n list:\n", "chpasswd: list: a:b ", "vault kv put a=b1c ", "reset/a/", "snmpget -A ", "assword: ' ",
    "login a / bc3456 ", "bcrypt.hash('", "@a.de ", "a@b.de / ", "a@b.de | `",
    ",http://a,b@c.de,", "password,", "\\n", "widget:\n a: ", "widget:\n        ",
    "[redacted:password], ", "assword: <b ", ".fill(a", "password (like ", "password in `a` to ", "password == '",
    "cookie: a=", "cookie: a=${ ", "bearer ", "-TE_KEY=bc;",
    "password>", ' name="token">x', "pw是", "密码为a",
    "authorization: digest ", "authorization: bearer ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n" + "A" * 70 + "\n",
)  # fmt: skip
OPENERS = (
    'password="',
    "PASSWORD=",
    "Cookie: a=",
    "://a:",
    "eyJ",
    "-----BEGIN PRIVATE KEY-----\n",
    "Authorization: Bearer ",
    "curl",
    "az login",
    "htpasswd -",
    "key",
)


UNCLOSED = ["a", "b", "\\", "=", "/", "{a", " here", "A1", "<", " ", "-"]


def _seconds(text: str) -> float:
    start = time.process_time()
    redact(text)
    return time.process_time() - start


@pytest.mark.night
@pytest.mark.parametrize(
    ("opener", "units"), [*(("", [unit]) for unit in HOSTILE), *((opener, UNCLOSED) for opener in OPENERS)]
)
def test_hostile_text_and_an_unclosed_secret_cost_time_in_proportion_to_their_length(
    opener: str, units: list[str]
) -> None:
    """Four times the text takes about four times as long; a pattern that backtracks would take sixteen times."""
    for unit in units:
        small, large = (opener + unit * (size // len(unit)) for size in (50_000, 200_000))

        assert _seconds(large) < 10 * _seconds(small) + 0.1, unit


@pytest.mark.parametrize("digits", ["8472", "847261950384726", "8472619503847261", "8472619503847261950384726195"])
def test_a_password_of_digits_is_hidden_however_long_it_is(digits: str) -> None:
    assert digits not in redact(f"password: {digits}")[0]
    assert digits in redact(f"build: {digits}")[0]


def test_a_password_in_quotes_is_hidden_however_long_it_is() -> None:
    assert redact(f'password = "{"aB3$" * 250}"') == ('password = "[redacted:password]"', {"password": 1})


def test_a_name_in_capital_letters_of_any_script_is_found_beside_any_character() -> None:
    for odd in ("", "İstanbul "):
        assert redact(f"{odd}ПАРОЛЬ: tulpan12!") == (f"{odd}ПАРОЛЬ: [redacted:password]", {"password": 1})
