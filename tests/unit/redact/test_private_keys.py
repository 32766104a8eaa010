from __future__ import annotations

import pytest

from carryover.redact import redact

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
