"""Secrets behind escapes, and private keys as agents' tools and other programs print a part of a file."""

from __future__ import annotations

import pytest

from carryover.redact import redact

_BEGIN = "-----BEGIN RSA " + "PRIVATE KEY-----"
_END = "-----END RSA " + "PRIVATE KEY-----"
_BODY = [f"{'QmFzZTY0bGluZU9mQUtleUJvZHlUaGF0SXNMb25nMTIz'[at:]}{'kLmNoPqRsTuVwXyZ01'[:at]}" for at in range(1, 9)]
_NUMBERED = ["{at:6}\t{line}", "{at:6}→{line}", "{at} | {line}", "{at:4} │ {line}", "{at}: {line}", "{at}:{line}"]


@pytest.mark.parametrize("shape", [*_NUMBERED, "# {line}", "// {line}", " * {line}"])
@pytest.mark.parametrize("lines", [[_BEGIN, *_BODY], [*_BODY, _END]], ids=["without its end", "without its beginning"])
def test_a_part_of_a_private_key_is_hidden_whatever_stands_before_its_lines(shape: str, lines: list[str]) -> None:
    text = "\n".join(shape.format(at=at, line=line) for at, line in enumerate(lines, 1))

    hidden, counts = redact(text)

    assert [line for line in _BODY if line[4:30] in hidden] == []
    assert counts == {"private-key": 1}


@pytest.mark.parametrize("line_end", ["\\n", "\\\\n", "\\u000a", "%0A", "<br>", "&#10;"])
def test_a_private_key_without_its_end_is_hidden_whatever_ends_its_lines(line_end: str) -> None:
    hidden, _ = redact(line_end.join([_BEGIN, *_BODY]))

    assert [line for line in _BODY if line[4:30] in hidden] == []


@pytest.mark.parametrize("escape", ["%20", "%3D", "%22", "\\u0022", "\\u003d", "\\x22", "\\n"])
@pytest.mark.parametrize("token", ["sk-" + "proj-Ab3dEf6hIj9kLm2nOp5qRs8t", "AKIA" + "Q3EGRZ5V7HXNPL2W"])
def test_a_token_behind_an_escape_is_hidden(escape: str, token: str) -> None:
    assert token not in redact(f"https://example.org/?q={escape}{token}")[0]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgres:\\/\\/app:hT7kQz9pLm@db\\/shop", "postgres:\\/\\/app:[redacted:url-password]@db\\/shop"),
        ("?u=redis%3A%2F%2Fa%3AhT7%24kQz9%40db%2F0", "?u=redis%3A%2F%2Fa%3A[redacted:url-password]%40db%2F0"),
    ],
)
def test_a_password_in_an_escaped_url_is_hidden(text: str, hidden: str) -> None:
    assert redact(text)[0] == hidden
