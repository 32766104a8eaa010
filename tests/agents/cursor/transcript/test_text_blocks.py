"""The blocks of a legacy `.txt` transcript."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carryover.agents.cursor.transcript.text_blocks import messages_in

TEXT = """preface
user:
<user_query>
Fix add()
</user_query>

assistant:
[Thinking] Which one?
Perhaps src/calc.py.
[Tool call] StrReplace
  path=/p/src/calc.py
  old_string=a - b
  replace_all=true
  edits=[{"a": 1}]
  note="quoted"
[Tool result] StrReplace
  The file has been updated.
    indented more

I changed it.

assistant:
Done: see user: and assistant: in the text.
"""


def parts(text: str) -> list[dict[str, Any]]:
    """The parts of the assistant's blocks."""
    return [
        part
        for message in messages_in(text)
        if message.content["role"] == "assistant"
        for part in message.content["content"]
    ]


def test_each_part_of_a_block_is_a_message_and_a_call_one_with_its_result() -> None:
    assert [message.blocks for message in messages_in(TEXT)] == [1, 2, 1, 1]
    assert messages_in(TEXT)[0].content == {"role": "user", "content": "<user_query>\nFix add()\n</user_query>"}
    assert [part["type"] for part in parts(TEXT)] == ["tool-call", "tool-result", "text", "text"]
    assert [part["text"] for part in parts(TEXT)[2:]] == [
        "I changed it.",
        "Done: see user: and assistant: in the text.",
    ]


def test_a_call_has_its_arguments_and_its_result() -> None:
    call, result = parts(TEXT)[:2]

    assert call["toolName"] == "StrReplace"
    assert call["args"] == {
        "path": "/p/src/calc.py",
        "old_string": "a - b",
        "replace_all": True,
        "edits": [{"a": 1}],
        "note": "quoted",
    }
    assert result["toolCallId"] == call["toolCallId"]
    assert result["result"] == "The file has been updated.\n  indented more"


def test_values_are_read_as_far_as_they_are_plain() -> None:
    text = 'assistant:\n[Tool call] X\n  a=true\n  b=[1]\n  c=[no\n  d="q"\n  e=\n    more\n  f=x=y\n'

    assert parts(text)[0]["args"] == {"a": True, "b": [1], "c": "[no", "d": "q", "e": "\n    more", "f": "x=y"}


def test_a_result_without_indentation_is_taken_whole() -> None:
    assert parts("assistant:\n[Tool call] Shell\n[Tool result] Shell\nExit code: 1\nno\n")[1]["result"] == (
        "Exit code: 1\nno"
    )


def test_line_ends_of_windows_are_read_too() -> None:
    (user, assistant) = messages_in("user:\r\nFix it\r\nassistant:\r\n[Tool call] Shell\r\n  command=ls\r\n")

    assert user.content["content"] == "Fix it"
    assert assistant.content["content"][0]["args"] == {"command": "ls"}


def test_a_text_without_blocks_is_no_transcript() -> None:
    assert messages_in("") == []
    assert messages_in("some notes\n") == []
    assert messages_in("user:\n\nassistant:\n\n[Thinking] Hm\n") == []


def test_a_part_that_grew_is_another_one() -> None:
    short, grown = (messages_in(f"assistant:\nFirst\n[Tool call] Shell\n  command={text}") for text in ("l", "ls"))

    assert short[0] == grown[0]
    assert short[1].text != grown[1].text


def test_very_long_lines_take_no_longer_than_their_length() -> None:
    blank = " " * 1_000_000
    for head in ("user:", "assistant:\n[Tool call]", "assistant:\n[Tool call] X\n", "assistant:\n[Tool result]"):
        messages_in(f"{head}{blank}x\n")


@given(text=st.text(alphabet="user:assistant\n[]Tol cThinkgr =' {\"", max_size=300))
def test_any_text_raises_nothing(text: str) -> None:
    assert all(message.text for message in messages_in(f"assistant:\n{text}"))
