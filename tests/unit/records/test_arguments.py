from __future__ import annotations

import msgspec

from carryover.records import rawjson
from carryover.records.arguments import CallArguments


class Arguments(CallArguments, frozen=True):
    command: msgspec.Raw = rawjson.ABSENT
    path: msgspec.Raw = rawjson.ABSENT
    url: msgspec.Raw = rawjson.ABSENT


def test_the_first_argument_with_a_text_is_taken() -> None:
    given = msgspec.json.decode(b'{"command": null, "path": "", "url": "https://a", "other": "x"}', type=Arguments)

    assert given.first("command", "path", "url") == "https://a"
    assert given.first("path", "command") == ""


def test_an_argument_of_another_type_costs_only_itself() -> None:
    given = msgspec.json.decode(b'{"command": ["ls"], "path": "a.py"}', type=Arguments)

    assert given.first("command", "path") == "a.py"
