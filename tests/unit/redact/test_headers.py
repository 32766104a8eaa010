from __future__ import annotations

import pytest

from carryover.redact import redact

AUTH = "[redacted:authorization]"
COOKIE = "[redacted:cookie]"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {AUTH}"),
        ("authorization: bearer mysecrettoken", f"authorization: bearer {AUTH}"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz\r\nHost: x", f"Proxy-Authorization: Basic {AUTH}\r\nHost: x"),
        ("Authorization: abcdef123456", f"Authorization: {AUTH}"),
        ("'Authorization': 'token abcdef123456',", f"'Authorization': 'token {AUTH}',"),
        ('{\\"Authorization\\": \\"Bearer abcdef123456\\"}', f'{{\\"Authorization\\": \\"Bearer {AUTH}\\"}}'),
        ('headers["Authorization"] = "Basic dXNlcjpwYXNz"', f'headers["Authorization"] = "Basic {AUTH}"'),
        ('.set("Authorization", "Bearer abcdef123456")', f'.set("Authorization", "Bearer {AUTH}")'),
        (
            'curl -H \'Authorization: Digest username="x", response="y"\' http://h',
            f"curl -H 'Authorization: Digest {AUTH}' http://h",
        ),
        ("sent Bearer abcdef1234567890abcdef to it", f"sent Bearer {AUTH} to it"),
    ],
)
def test_a_login_is_hidden_and_its_header_and_scheme_are_kept(text: str, hidden: str) -> None:
    assert redact(text) == (hidden, {"authorization": 1})


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Cookie: sid=abc123; other=def\nHost: x", f"Cookie: {COOKIE}\nHost: x"),
        ("< Set-Cookie: sid=abcdef; Path=/; HttpOnly", f"< Set-Cookie: {COOKIE}"),
        ("curl -H 'Cookie: a=\"b c\"; d=e' http://h", f"curl -H 'Cookie: {COOKIE}' http://h"),
        ('"cookie": "sid=abcdef", "x": 1', f'"cookie": "{COOKIE}", "x": 1'),
        ("Cookie: sid=abc\\nHost: x", f"Cookie: {COOKIE}\\nHost: x"),
    ],
)
def test_all_cookies_of_a_header_are_hidden(text: str, hidden: str) -> None:
    assert redact(text) == (hidden, {"cookie": 1})


@pytest.mark.parametrize(
    ("text", "hidden", "kind"),
    [
        ("X-Api-Key: abcdef123456", "X-Api-Key: [redacted:secret]", "secret"),
        ("-H 'x-api-key: abcdefghijk'", "-H 'x-api-key: [redacted:secret]'", "secret"),
        ("--header 'PRIVATE-TOKEN: abcdefghijk'", "--header 'PRIVATE-TOKEN: [redacted:token]'", "token"),
    ],
)
def test_headers_with_a_key_are_hidden(text: str, hidden: str, kind: str) -> None:
    assert redact(text) == (hidden, {kind: 1})
