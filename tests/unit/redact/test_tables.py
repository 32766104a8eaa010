"""Secrets in columns: their name stands in the first line of the table alone."""

from __future__ import annotations

import json

import pytest

from carryover.redact import redact
from support.costs import costing_much

SAID = "Sommer2024x"
MADE = "a8Fk29Xq7LmZp3Rt"


@pytest.mark.parametrize(
    ("table", "secrets"),
    [
        (f" id | name | password\n----+------+----------\n  1 | bob  | {SAID}\n  2 | al   | Winter77!\n(2 rows)\n", 2),
        (
            f"+----+-------------+\n| id | db_password |\n+----+-------------+\n|  1 | {SAID} |\n",
            1,
        ),
        (f"| User | `api_key` |\n|---|---|\n| bob | `{MADE}` |\n| al | none |\n", 1),
        (f"id,user,password\n1,bob,{SAID}\n2,al,x7Kp2mQ9\n", 2),
        (f'"password";"user"\r\n"{SAID}";"bob"\r\n', 1),
        (f"token\tuser\n{MADE}\tbob\n", 1),
        *(
            (f"| 平台 | {word} |\n|---|---|\n| bob | {SAID} |\n", 1)
            for word in ("密码", "Mot de passe", "Contraseña", "Пароль")
        ),
        ("user,password\nbob,$2b$12$abcdefghijklmnopqrstuv\n", 1),
    ],
)
def test_cells_below_the_name_of_a_secret_are_hidden(table: str, secrets: int) -> None:
    hidden, counts = redact(table)

    assert (SAID in hidden, MADE in hidden, sum(counts.values())) == (False, False, secrets)
    assert hidden.count("bob") == table.count("bob")
    assert redact(hidden)[0] == hidden


@pytest.mark.parametrize(
    "text",
    [
        "| Option | Token | Meaning |\n|---|---|---|\n| a | access_token | what it is |\n| b | 128K | all of it |\n",
        "| Name | Password |\n|---|---|\n| bob | set in the console |\n| al | required |\n",
        "    user, password,\n    a1, B2c3D4e5F6,\n",
        "def login(user, password, token):\n    return User2Name3X(user, B2c3D4e5F6g7)\n",
        "user,password\nThe next line has more than that, and B2c3D4e5F6g7 is a word.\n",
        "name,value\nbob,a8Fk29Xq7LmZp3Rt\n",
    ],
)
def test_other_columns_and_code_stay(text: str) -> None:
    assert redact(text) == (text, {})


EXPORTED = (
    f"name,url,username,password,note\nShop,https://shop.example.com/,kim@example.com,{SAID},\n"
    "Bank,https://bank.example/login,kim,zY8#kfT2mQ,x\n"
)
"""What browsers write, with made-up logins."""


@pytest.mark.parametrize(
    "written",
    [
        EXPORTED,
        json.dumps(EXPORTED),
        json.dumps({"content": [{"type": "text", "text": EXPORTED}]}),
        json.dumps(json.dumps({"content": [{"type": "text", "text": EXPORTED}]})),
        "".join(f"{number:6}→{line}\n" for number, line in enumerate(EXPORTED.splitlines(), 1)),
        "".join(f"{number}\t{line}\n" for number, line in enumerate(EXPORTED.splitlines(), 1)),
        EXPORTED.partition("\n")[2],
        json.dumps(f'"url","username","password"\n"https://a.example","kim","{SAID}"\n"b","al","zY8#kfT2mQ"\n'),
    ],
)
def test_exported_passwords_are_hidden_however_their_lines_are_written(written: str) -> None:
    hidden, counts = redact(written)

    assert (SAID in hidden, "zY8#kfT2mQ" in hidden, counts) == (False, False, {"password": 2})


def test_a_sentence_above_a_table_is_no_head_of_it() -> None:
    assert SAID not in redact(f"Look at the password, then go on\nuser,password\nbob,{SAID}\n")[0]


def test_any_number_of_names_ends_in_time() -> None:
    pieces = (
        "password,",
        "|password",
        "\n|password|\n|a|\n",
        "token\n",
        "password,a\nx,y\n",
        "| ",
        "id,password\n1,",
    )
    texts = [f"id,password\n{piece * (50_000 // len(piece))}\nid,password\n1,{SAID}\n" for piece in pieces]
    said: list[str] = []

    assert costing_much(lambda text: said.append(redact(text)[0]), texts) == []
    assert [text[:60] for text in said if SAID in text] == []
