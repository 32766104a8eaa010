from __future__ import annotations

import pytest

from carryover.redact.dummy_values import is_dummy, is_filler, is_path, is_random, is_type_or_state


@pytest.mark.parametrize(
    "value",
    [
        "", "<token>", "[SEP]", "xxxx", "****", "...", "your-key", "YOUR_API_KEY", "my-key-here", "None", "null",
        "true", "$TOKEN", "${TOKEN}", "$(cat t)", "{{ token }}", "{token}", "%(token)s", "!vault", "process.env.TOKEN",
        "os.environ['T']", "settings.TOKEN", "secrets.TOKEN", "op://vault/item", "https://example.com", "#dcdccc",
        "prefix-${TOKEN}", "[redacted:aws]",
    ],
)  # fmt: skip
def test_placeholders_and_references_are_dummy_values(value: str) -> None:
    assert is_dummy(value)


@pytest.mark.parametrize("value", ["hunter2", "changeme", "$2b$10$abcdef", "a[b]c", "nonesuch", "#1secret", "sample1"])
def test_a_real_value_does_not(value: str) -> None:
    assert not is_dummy(value)


def test_filler_shows_only_the_form_of_a_token() -> None:
    assert is_filler("ghp_xxxxxxxxxxxx")
    assert is_filler("sk-ant-...")
    assert not is_filler("ghp_16C7e42F292c6912E7710c838347Ae178B4a")


@pytest.mark.parametrize(
    "value", ["/run/secrets/db", "./token.txt", "~/.ssh/id", "certs/server.pem", "C:\\keys\\a", "a.json"]
)
def test_paths_are_known(value: str) -> None:
    assert is_path(value)


@pytest.mark.parametrize("value", ["hunter2", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "abc.DEF1"])
def test_secrets_are_no_paths(value: str) -> None:
    assert not is_path(value)


def test_types_and_states_are_known() -> None:
    assert [is_type_or_state(word) for word in ("str", "Optional[str]", "required", "stringent1", "hunter2")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_what_mixes_letters_with_digits_or_symbols_looks_random() -> None:
    assert [is_random(value, 6) for value in ("hunter2", "pa$$word", "password", "123456", "ab1")] == [
        True, True, False, False, False,
    ]  # fmt: skip
