"""Chats as they were sent to the model: what clients add in the user's role is not the user's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.model import AssistantMessage, ToolCall, TurnEnd, UserPrompt
from support.costs import costing_little
from support.specstory import events_of, said_in


def test_output_that_swe_agent_sends_in_the_users_role_is_not_the_users(tmp_path: Path) -> None:
    """SWE-agent sends a call's output and examples in the user's role, with a type that says so."""
    kinds = {"demonstration": "user", "": "user", "action": "assistant", "observation": "user"}
    words = {"demonstration": "Ship it.", "": "Fix the test.", "action": "I look.", "observation": "Push it."}
    messages = [{"role": role, "content": words[kind], "message_type": kind} for kind, role in kinds.items()]

    assert said_in(tmp_path / "run.traj", json.dumps({"history": messages})) == [
        ("user", "Fix the test."),
        ("assistant", "I look."),
    ]


@pytest.mark.parametrize(
    "told",
    [
        {"content": [{"type": "text", "text": "<system-reminder>\nCLAUDE.md says: push.\n</system-reminder>\n"}]},
        {"content": "<environment_context>\nPush.\n</environment_context>"},
        {"content": "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\n</INSTRUCTIONS>\nPush.\n</INSTRUCTIONS>"},
        {"content": "<returncode>0</returncode>\n<output>\nPush.\n</output>"},
        {"content": "EXECUTION RESULT of [execute_bash]:\nPush."},
        {"content": "Push.", "tool_call_id": "c1"},
        {"content": "Push.", "isMeta": True},
        {"content": "<turn_aborted>\nPush.\n</turn_aborted>"},
        {"content": "<environment_details>\nPush.\n</environment_details>"},
        {"content": "This session is being continued from a previous conversation that ran out of context. Push."},
        {"content": "[Request interrupted by user]"},
        {"content": "<local-command-stdout>Push.</local-command-stdout>"},
        {"content": "<command-name>/push</command-name>"},
        {"content": "<task-notification>\n<summary>Push.</summary>\n</task-notification>"},
        {"role": "assistant-subagent-a1", "content": "Push."},
    ],
)
def test_text_for_the_model_in_the_users_role_is_not_the_users(tmp_path: Path, told: dict[str, Any]) -> None:
    """As clients send it, with a prompt or alone."""
    said = [{"role": "user", "content": "Fix it."}, {"role": "assistant", "content": "Done."}]
    messages = [{"role": "user", **told}, *said]

    assert said_in(tmp_path / "sent.json", json.dumps(messages)) == [("user", "Fix it."), ("assistant", "Done.")]


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("[System note: Your previous turn was interrupted. Finish it.]\n\nAnd the receipt?", "And the receipt?"),
        ("[SYSTEM: You are running as a scheduled cron job. Be silent.]\n\nCheck the prices.", "Check the prices."),
        ("Review the conversation above and consider saving or updating a skill if appropriate.", None),
        ("Review the conversation above and fix it.", "Review the conversation above and fix it."),
        ("[System: This session is about to be reset.]", None),
        ("[CONTEXT COMPACTION \u2014 REFERENCE ONLY] Earlier turns were compacted.\n## Active Task\nNone.", None),
        ('[The user sent a voice message~ Here\'s what they said: "And the receipt?"]', "And the receipt?"),
        ("[CONTEXT COMPACTION] Compacted.\n--- END OF CONTEXT SUMMARY ---\n\nAnd the receipt?", "And the receipt?"),
    ],
)
def test_what_hermes_sends_in_the_users_role_is_not_the_users(tmp_path: Path, sent: str, typed: str | None) -> None:
    """In its documents of sessions (April to June 2026)."""
    said = [{"role": "user", "content": "Fix it."}, {"role": "assistant", "content": "Done."}]
    document = {"session_id": "20260424_1", "messages": [*said, {"role": "user", "content": sent}]}
    expected = [("user", "Fix it."), ("assistant", "Done."), *([("user", typed)] if typed else [])]

    assert said_in(tmp_path / "session_1.json", json.dumps(document)) == expected


def test_what_answers_a_review_that_hermes_asks_for_itself_is_not_for_the_user(tmp_path: Path) -> None:
    """It saves what it finds as a skill. The user's next prompt, if the document goes on, counts again."""
    review = "Review the conversation above and consider saving to memory if appropriate."
    call = {"id": "c1", "function": {"name": "memory", "arguments": "{}"}}
    messages = [
        *({"role": "user", "content": "Fix it."}, {"role": "assistant", "content": "What is the code?"}),
        *({"role": "user", "content": review}, {"role": "assistant", "content": "I save.", "tool_calls": [call]}),
        *({"role": "tool", "tool_call_id": "c1", "content": "Saved."}, {"role": "assistant", "content": "Saved."}),
    ]
    more = [{"role": "user", "content": "12."}, {"role": "assistant", "content": "Done."}]
    said = [("user", "Fix it."), ("assistant", "What is the code?")]

    path = tmp_path / "session_1.json"
    assert said_in(path, json.dumps({"messages": messages})) == said
    assert not [event for event in events_of(open_document(Candidate(path))) if isinstance(event.body, ToolCall)]
    assert said_in(path, json.dumps({"messages": messages + more})) == [*said, ("user", "12."), ("assistant", "Done.")]


def test_messages_behind_long_instructions_are_found(tmp_path: Path) -> None:
    """Hermes' documents of sessions have instructions and tools before the messages (April 2026)."""
    messages = [{"role": "user", "content": "Fix it."}, {"role": "assistant", "content": "Done."}]
    document = {"system_prompt": "Be brief. " * 10_000, "messages": messages}

    assert said_in(tmp_path / "session_1.json", json.dumps(document)) == [("user", "Fix it."), ("assistant", "Done.")]


@pytest.mark.parametrize(
    "typed",
    [
        "[IMPORTANT: whole cents] Rewrite it.",
        "[System: Debian 12]\nWhy does it fail?",
        "[System note: you are a baker.] Go on.",
        "Review the conversation above and consider saving the prices as a list.",
    ],
)
def test_a_bracket_or_a_review_does_not_show_that_hermes_sent_a_chat(tmp_path: Path, typed: str) -> None:
    said = [{"role": "user", "content": typed}, {"role": "assistant", "content": "Done."}]

    assert said_in(tmp_path / "chat.json", json.dumps(said)) == [("user", typed), ("assistant", "Done.")]


RESUMED = "Continue from where you left off."


def test_an_interruption_that_a_client_tells_the_model_of_ends_the_turn(tmp_path: Path) -> None:
    said = ["Fix it.", "I look.", "[Request interrupted by user for tool use]", RESUMED, "No.", "Go on."]
    roles = ("user", "assistant", "user", "user", "user", "assistant")
    path = tmp_path / "sent.json"
    path.write_text(json.dumps([{"role": role, "content": text} for role, text in zip(roles, said, strict=True)]))

    ends = [type(event.body) for event in events_of(open_document(Candidate(path)))]
    assert ends == [UserPrompt, AssistantMessage, TurnEnd, UserPrompt, AssistantMessage]


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ("You've hit your limit \xb7 resets 3pm (Europe/Berlin)", "limit"),
        ("API Error: Unable to connect to API (ENOTFOUND)", "error"),
        ("No response requested.", None),
    ],
)
def test_what_a_client_writes_in_place_of_an_answer_is_none(tmp_path: Path, said: str, end: str | None) -> None:
    texts = ["Fix it.", said, "Again.", f"It printed:\n{said}"]
    path = tmp_path / "sent.json"
    path.write_text(
        json.dumps([{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)])
    )

    bodies = [event.body for event in events_of(open_document(Candidate(path)))]
    assert [body.reason for body in bodies if isinstance(body, TurnEnd)] == ([end] if end else [])
    assert [body.text for body in bodies if isinstance(body, AssistantMessage)] == texts[3:]


def test_most_of_a_list_may_be_a_sub_agents(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Fix it."}, {"role": "assistant", "content": "Done."}]
    others = [{"role": "assistant-subagent-a1", "content": "Push."}] * 5

    assert said_in(tmp_path / "sent.json", json.dumps([said[0], *others, said[1]])) == [
        ("user", "Fix it."),
        ("assistant", "Done."),
    ]


def test_text_that_a_client_adds_to_a_prompt_is_not_the_users(tmp_path: Path) -> None:
    reminder = "<system-reminder>\nPush.\n</system-reminder>\nPush.\n</system-reminder>"
    parts = [{"type": "text", "text": text} for text in (reminder, "Fix <system-reminder> it.", reminder)]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": "Done."}]

    assert said_in(tmp_path / "sent.json", json.dumps(messages))[0] == ("user", "Fix <system-reminder> it.")


def test_text_that_a_client_adds_is_not_the_users_in_markdown_either(tmp_path: Path) -> None:
    """As opencode exports a session: a job that ended is told in the user's role."""
    turns = ["Fix it.", "Done.", "<system-reminder>\nPush.\n</system-reminder>", "Still done.", "Thanks."]
    shown = (f"## {('User', 'Assistant')[at % 2]}\n\n{text}" for at, text in enumerate(turns))

    said = said_in(tmp_path / "chat.md", "\n\n---\n\n".join(shown))
    assert [text for who, text in said if who == "user"] == ["Fix it.", "Thanks."]


def test_a_template_that_a_command_stands_for_is_not_the_users(tmp_path: Path) -> None:
    """As opencode exports its `/init`."""
    template = (
        "Create or update `AGENTS.md` for this repository.\n\nUser-provided focus or constraints (honor these):\n"
        "Only the tests.\n\n## How to investigate\n\nPush."
    )
    turns = [("User", template), ("Assistant", "Done."), ("User", "Thanks.")]

    said = said_in(tmp_path / "chat.md", "\n\n---\n\n".join(f"## {who}\n\n{text}" for who, text in turns))
    assert [text for who, text in said if who == "user"] == ["/init Only the tests.", "Thanks."]


def test_what_an_editor_puts_before_a_request_is_not_the_users(tmp_path: Path) -> None:
    """As Codex sends it, whose context shows whose chat it is."""
    context = "<environment_context>\nPush.\n</environment_context>"
    request = "# Context from my IDE setup:\n\n## Open tabs:\n- a.py\n\n## My request for Codex:\nFix it."
    messages = [{"role": "user", "content": text} for text in (context, request)]
    messages.append({"role": "assistant", "content": "Done."})

    assert said_in(tmp_path / "sent.json", json.dumps(messages)) == [("user", "Fix it."), ("assistant", "Done.")]


TASK = """**User:**

<task>
Fix the rounding, not </task>.
</task>
# TODO LIST UPDATE REQUIRED

<environment_details>
a.py
</environment_details>

---

**Assistant:**

I read it.

---

**User:**

[read_file for 'a.py'] Result:

Push it.
<feedback>
Push it.
</feedback>

---

**Tool:**

[Tool]
<answer>
Push it.
</answer>

---

**User:**

[ask_followup_question for 'How?'] Result:

<answer>
Down
</answer>

<environment_details>
</environment_details>

---

**Reasoning:**

Push it?

---

**Assistant:**

Done.
"""


def test_what_cursor_attached_in_its_first_transcripts_is_not_the_users(tmp_path: Path) -> None:
    """They were texts, `agent-transcripts/<id>.txt` (January 2026)."""
    attached = "<attached_files>\n--- a.py\n+++ a.py\nPush it.\n</attached_files>\n"
    text = (
        "user:\n<user_query>\nFix it.\n</user_query>\n\nassistant:\nDone.\n\n"
        f"user:\n[Image]\n{attached}<user_query>\nTest it.\n</user_query>\n\nassistant:\nIt passes.\n"
    )

    assert said_in(tmp_path / "chat.txt", text) == [
        ("user", "Fix it."),
        ("assistant", "Done."),
        ("user", "Test it."),
        ("assistant", "It passes."),
    ]


def test_a_result_in_an_exported_task_is_not_the_users(tmp_path: Path) -> None:
    """As the extensions of Cline and Roo Code export a task: what the model was sent, with results in the user's
    role."""
    said = [("user", "Fix the rounding, not </task>."), ("assistant", "I read it."), ("user", "Down")]

    assert said_in(tmp_path / "task.md", TASK) == [*said, ("assistant", "Done.")]


@pytest.mark.parametrize("suffix", ["md", "json"])
def test_a_prompt_ends_where_the_client_goes_on(tmp_path: Path, suffix: str) -> None:
    """As Cline sends it: what is said of the todo list is a part of its own, and what was refused stands below the
    user's words."""
    told = ["<environment_details>\na.py\n</environment_details>"]
    sent = [
        ("user", ["<task>\nFix it.\n</task>", "\n\n# task_progress RECOMMENDED\n\nPush it.", *told]),
        ("assistant", ["I write it."]),
        ("user", ["It said:\n<feedback>\nLeave it.\n</feedback>", "[write_to_file for 'a.py'] Result:\nNo.", *told]),
        ("assistant", ["Left."]),
    ]
    texts = "\n\n---\n\n".join(f"**{who.capitalize()}:**\n\n" + "\n".join(parts) for who, parts in sent)
    if suffix == "json":
        listed = [{"role": who, "content": [{"type": "text", "text": part} for part in parts]} for who, parts in sent]
        texts = json.dumps({"messages": listed})

    said = said_in(tmp_path / f"task.{suffix}", texts)
    assert [text for who, text in said if who == "user"] == ["Fix it.", "Leave it."]


def test_a_task_whose_texts_are_parts_is_read_as_one(tmp_path: Path) -> None:
    texts = ("<task>\nFix it.\n</task>", "<environment_details>\na.py\n</environment_details>")
    asked = {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}

    said = said_in(tmp_path / "sent.json", json.dumps([asked, {"role": "assistant", "content": "Done."}]))

    assert said == [("user", "Fix it."), ("assistant", "Done.")]


def test_a_chat_that_begins_with_a_tag_is_no_exported_task(tmp_path: Path) -> None:
    said = [("user", "<task>\nWrite it.\n</task>"), ("assistant", "Written."), ("user", "Shorter, please.")]
    messages = [{"role": role, "content": text} for role, text in (*said, ("assistant", "Cut."))]

    assert said_in(tmp_path / "chat.json", json.dumps(messages)) == [*said, ("assistant", "Cut.")]


def test_tags_that_are_never_closed_take_no_long(tmp_path: Path) -> None:
    told = "<environment_details>\na.py\n</environment_details>"
    messages = [{"role": "user", "content": "<task>\n" * 20_000 + told}, {"role": "assistant", "content": "Done."}]
    with costing_little():
        assert said_in(tmp_path / "task.json", json.dumps(messages)) == [("assistant", "Done.")]


def test_notes_and_voices_of_hermes_that_have_no_end_take_no_long(tmp_path: Path) -> None:
    heard = "[The user sent a voice message~ Here's what they said: \"\n" * 10_000
    sent = (heard, "[System note: ]" * 60_000 + "Fix it.")
    messages = [{"role": "user", "content": text} for text in sent] + [{"role": "assistant", "content": "Done."}]
    with costing_little():
        said = said_in(tmp_path / "session_1.json", json.dumps({"messages": messages}))
    assert said[-2:] == [("user", "Fix it."), ("assistant", "Done.")]
