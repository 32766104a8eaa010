"""Commands that the user types: `/name`, which the client runs itself or expands for the model, and `!command`."""

from __future__ import annotations

from typing import Any

import pytest

from agents.claude_code.session import Session
from carryover.agents.claude_code.prompts import CAVEATS, INTERRUPTED
from carryover.model import AssistantMessage, ToolCall, ToolResult
from carryover.model import UserPrompt as Prompt


def test_the_users_own_shell_command_and_its_output() -> None:
    """Two records and no exit code (2.1.328)."""
    transcript = Session()
    transcript.user("<bash-input>echo hello</bash-input>", uuid="u-shell")
    transcript.user("<bash-stdout>\x1b[1mhello\x1b[0m</bash-stdout><bash-stderr>a warning</bash-stderr>")

    call, result = transcript.bodies
    assert call == ToolCall(call_id="u-shell", name="Bash", op="shell", subject="echo hello", actor="human")
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.status, result.actor) == ("u-shell", "unknown", "human")
    assert result.output == "hello\na warning"


def test_a_skill_that_the_model_runs_is_no_command_of_the_user() -> None:
    said = '<command-message>The "pdf" skill is loading</command-message>\n<command-name>pdf</command-name>'

    assert Session().user(said) == []


def test_what_the_users_own_command_printed_is_no_command() -> None:
    transcript = Session()
    transcript.user("<bash-input>cat README.md</bash-input>")
    transcript.user("<bash-stdout><bash-input>make ship</bash-input></bash-stdout><bash-stderr></bash-stderr>")

    assert [call.subject for call in transcript.all(ToolCall)] == ["cat README.md"]


@pytest.mark.parametrize("caveat", ["<local-command-caveat>Caveat: ...", f"{CAVEATS[1]} DO NOT respond to these"])
def test_a_command_that_the_client_runs_and_then_asks_the_model_about_is_a_request(caveat: str) -> None:
    """A run of 2.1.332, and the source of 2.0.65 and 2.1.111: before a command that asks nothing stands a caveat."""

    def command(name: str, words: str) -> str:
        return f"<command-name>/{name}</command-name>\n<command-message>{name}</command-message>\n{words}"

    transcript = Session()
    transcript.user(command("plan", "<command-args>Round <b>whole</b> cents</command-args>"), parentUuid=None)
    transcript.user("<local-command-stdout>Enabled plan mode</local-command-stdout>", parentUuid="u1")
    transcript.says("Here it is.")
    transcript.user(caveat, isMeta=True, parentUuid="u3")
    transcript.user(command("compact", "<command-args>Keep the prices</command-args>"), parentUuid="u4")
    transcript.user(command("goal", "<command-args></command-args>"), parentUuid="u5")
    transcript.user(command("goal", "<command-args>All tests pass</command-args>"), parentUuid="u6")

    prompts = [(prompt.command, prompt.text) for prompt in transcript.all(Prompt)]
    assert prompts == [("/plan", "Round <b>whole</b> cents"), ("/goal", "All tests pass")]


def test_what_the_client_answers_itself_is_no_request() -> None:
    """The name of a skill that only the model may run stands in a record like a prompt's, below a caveat (2.1.332)."""
    transcript = Session()
    transcript.user("<local-command-caveat>Caveat: ...", isMeta=True, parentUuid=None)
    transcript.user("/only", parentUuid="u1", rowSource="local")
    transcript.user("/usr/bin/only is broken", parentUuid="u2")

    assert transcript.all(Prompt) == [Prompt(text="/usr/bin/only is broken")]


def test_what_begins_as_the_clients_caveat_may_be_typed() -> None:
    """All caveats are `isMeta`; the words alone may be pasted."""
    transcript = Session()
    transcript.user(f"{CAVEATS[1]} Why does it say so?")
    transcript.user("/etc/hosts is what I asked for", parentUuid="u1")

    typed = [f"{CAVEATS[1]} Why does it say so?", "/etc/hosts is what I asked for"]
    assert [prompt.text for prompt in transcript.all(Prompt)] == typed


OUTPUT = "<local-command-stdout>%s</local-command-stdout>"
LAUNCHED = OUTPUT % "Running in the background as @audit" + "\n<forked-skill-launch>{}</forked-skill-launch>"
WAITED_FOR = OUTPUT % "\nThe till is <b>short</b>.\n"


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (LAUNCHED, []),
        (WAITED_FOR, ["The till is <b>short</b>."]),
        (OUTPUT % "Unknown skill: pdf, says the log.", ["Unknown skill: pdf, says the log."]),
        ("<local-command-stderr>It failed</local-command-stderr>", []),
        ("[Request interrupted by user]", []),
    ],
)
@pytest.mark.parametrize("is_system", [True, False], ids=["2.1.332", "2.1.111"])
def test_a_skill_that_a_sub_agent_carries_out_is_a_request(said: str, answers: list[str], is_system: bool) -> None:
    """`/code-review WORDS` and skills with `context: fork` (runs of both versions; stderr and the interruption:
    source). The skill's record is below a caveat, like that of a command which the client answers itself."""
    transcript = Session()
    transcript.user("<local-command-caveat>Caveat: ...", isMeta=True, parentUuid=None)
    transcript.user("/audit the till <b>of June</b>", parentUuid="u1", rowSource="local")
    if is_system and said not in INTERRUPTED:
        transcript.record("system", subtype="local_command", content=said, parentUuid="u2")
    else:
        transcript.user(said, parentUuid="u2")
    transcript.record("system", subtype="local_command", content=WAITED_FOR, parentUuid="u2")

    assert transcript.all(Prompt) == [Prompt(text="the till <b>of June</b>", command="/audit")]
    assert [answer.text for answer in transcript.all(AssistantMessage)] == answers


@pytest.mark.parametrize("kind", ["system", "user"])
def test_a_skill_that_the_client_does_not_run_is_no_request(kind: str) -> None:
    transcript = Session()
    transcript.user("<local-command-caveat>Caveat: ...", isMeta=True, parentUuid=None)
    transcript.user("/only", parentUuid="u1")
    refusal = 'This skill can only be invoked by Claude, not directly by users. Ask Claude to use the "only" skill.'
    if kind == "system":
        transcript.record("system", subtype="local_command", content=OUTPUT % refusal, parentUuid="u2")
    else:
        transcript.user(refusal, parentUuid="u2")
    transcript.record("system", subtype="local_command", content=OUTPUT % "Set model to Opus", parentUuid="u3")

    assert transcript.bodies == []


def test_a_skill_that_a_timer_calls_and_a_sub_agent_carries_out_is_a_scheduled_prompt() -> None:
    """The caveat is below the timer's record, and the skill below the caveat (a run of 2.1.332)."""
    transcript = Session()
    transcript.record("system", subtype="scheduled_task_fire", content="Running scheduled task (Nov 29 6:02pm)")
    transcript.user("<local-command-caveat>The command below ...", isMeta=True, rowSource="harness", parentUuid="u1")
    transcript.user("/audit the till", rowSource="recorded", parentUuid="u2")
    transcript.record("system", subtype="local_command", content=WAITED_FOR, parentUuid="u3")

    assert transcript.bodies == [
        Prompt(text="/audit the till", actor="model", scheduled=True),
        AssistantMessage(text="The till is <b>short</b>.", final=True),
    ]


def test_a_skill_that_another_sends_is_not_the_users() -> None:
    transcript = Session()
    transcript.user("<local-command-caveat>Caveat: ...", isMeta=True, parentUuid=None)
    transcript.user("/audit the till", parentUuid="u1", origin={"kind": "channel"})
    transcript.record("system", subtype="local_command", content=LAUNCHED, parentUuid="u2")

    assert transcript.all(Prompt) == []


@pytest.mark.parametrize(("name", "version"), [("subtask", "2.1.332"), ("fork", "2.1.200")])
def test_the_words_behind_a_command_that_begins_a_fork_are_a_request(name: str, version: str) -> None:
    """The model is not asked: a sub-agent with the whole conversation is, whose report comes back (runs of both)."""
    transcript = Session()

    def types(words: str, answer: str) -> None:
        tags = f"<command-name>/{name}</command-name>\n<command-message>{name}</command-message>\n"
        command = f"{tags}<command-args>{words}</command-args>"
        for content in (command, f"<local-command-stdout>{answer}</local-command-stdout>"):
            transcript.record("system", subtype="local_command", content=content, version=version)

    types("", "Usage: /subtask")
    types("Read the docs", "session running · Read the docs · 7b3d7a1d")
    types("Count the <b>whole</b> files", "\u2442 forked count-the-files (7f94)")
    other = "<local-command-stdout>\u2442 forked another"
    transcript.record("system", subtype="local_command", content=other, version=version)

    assert transcript.all(Prompt) == [Prompt(text="Count the <b>whole</b> files", command=f"/{name}")]


OTHERS = pytest.mark.parametrize(
    "fields",
    [
        *({"origin": {"kind": kind}} for kind in ("channel", "slack-ping")),
        {"rowSource": "hook"},
        {"origin": {"kind": "human"}, "fromAnotherSession": True},
        {"fromConnector": True},
    ],
)


@OTHERS
def test_what_others_send_in_the_form_of_the_users_shell_command_is_not_the_users(fields: dict[str, Any]) -> None:
    transcript = Session()
    transcript.user("<bash-input>make ship</bash-input>", **fields)
    assert transcript.all(ToolCall) == []

    transcript.user("<bash-input>make test</bash-input>", rowSource="local")
    assert [call.subject for call in transcript.all(ToolCall)] == ["make test"]


@OTHERS
@pytest.mark.parametrize("order", [("name", "message"), ("message", "name")])
def test_what_others_send_in_the_form_of_a_command_is_not_the_users(
    order: tuple[str, str], fields: dict[str, Any]
) -> None:
    transcript = Session()
    tags = "".join(f"<command-{tag}>plan</command-{tag}>" for tag in order)
    transcript.user(f"{tags}<command-args>Drop the table</command-args>", parentUuid=None, **fields)

    assert transcript.all(Prompt) == []


def test_a_command_that_the_client_ran_is_no_word_of_what_waited_beside_it() -> None:
    """2.1.86, the editor extension."""
    ran = "<command-name>/context</command-name>\n<command-message>context</command-message>"
    waited = [{"type": "text", "text": text} for text in ("The cents too", "/compact", ran)]

    assert Session().user(waited) == [Prompt(text="The cents too\n/compact")]
    assert Session().user(waited[2:]) == []


@OTHERS
def test_what_others_send_while_the_agent_works_is_not_the_users(fields: dict[str, Any]) -> None:
    """Or as a prompt of its own. The last two are marks of what another session or an app sends through a tool of an
    MCP server (source of 2.1.332)."""
    transcript = Session()
    transcript.attachment("queued_command", prompt="Drop the table", commandMode="prompt", **fields)
    transcript.user("Drop the table", **fields)

    assert transcript.all(Prompt) == []
