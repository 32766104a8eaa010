"""Records as a whole: what they become, how they are told apart, and what is taken from them for the next."""

from __future__ import annotations

import time

import pytest

from agents.claude_code.session import ID, START_MS, Session
from carryover import model
from carryover.adapter.contract import ToolOutcome
from carryover.agents.claude_code.adapter import AGENT


@pytest.mark.parametrize(
    ("text", "resets"),
    [
        ("API Error: Request rejected (429) · This request would exceed your account's rate limit.", None),
        ("5-hour limit reached ∙ resets 3pm", "3pm"),
        ("You've hit your session limit · resets 3pm (Europe/Amsterdam)", "3pm (Europe/Amsterdam)"),
        ("Claude AI usage limit reached|1795154400", "2026-11-20T06:00:00Z"),
    ],
)
def test_limits_end_the_turn_as_limits(text: str, resets: str | None) -> None:
    assert Session().says(text, model="<synthetic>") == [model.TurnEnd(reason="limit", message=text, resets=resets)]


@pytest.mark.parametrize(
    ("stop", "final"),
    [
        ("end_turn", True),
        ("stop_sequence", True),
        ("refusal", True),
        ("tool_use", False),
        ("max_tokens", None),
        (None, None),
    ],
)
def test_an_answer_is_final_only_where_the_client_says_so(stop: str | None, final: bool | None) -> None:
    assert Session().says("Done.", stop=stop) == [model.AssistantMessage(text="Done.", final=final)]


def test_a_recap_for_the_absent_user_is_evidence() -> None:
    text = "Goal: the grant. Next action: the budget. (disable recaps in /config)"

    assert Session().record("system", subtype="away_summary", content=text) == [
        model.AgentSummary(text="Goal: the grant. Next action: the budget.", source="away")
    ]


def test_the_name_the_user_gave_wins_over_those_the_model_makes_up() -> None:
    transcript = Session()
    bare = {"uuid": None, "timestamp": None, "cwd": None, "version": None}
    transcript.record("ai-title", aiTitle="Early", **bare)
    transcript.user("Begin")
    transcript.record("ai-title", aiTitle="Guess", **bare)
    transcript.record("ai-title", aiTitle="Guess", **bare)
    transcript.record("custom-title", customTitle="Discount work", **bare)
    transcript.record("ai-title", aiTitle="Guess again", **bare)

    assert [info.title for info in transcript.all(model.SessionInfo)] == ["Early", "Guess", "Discount work"]
    assert {event.at_ms for event in transcript.events} == {START_MS + 2000}


def test_a_branched_record_keeps_the_identity_of_the_one_it_copies() -> None:
    """`forkedFrom` names the parent session and the record (read about, in no recording)."""
    parent = Session()
    parent.user("Begin", uuid="u-parent")
    branch = Session()
    branch.user("Begin", uuid="u-copy", sessionId="s2", forkedFrom={"sessionId": ID, "messageUuid": "u-parent"})

    assert branch.events[-1].key == parent.events[-1].key
    assert branch.all(model.SessionInfo) == [model.SessionInfo(agent_version="2.1.328", parent=ID)]


def local(name: str, args: str = "") -> str:
    """A command the client ran itself, as it writes it down (2.0.65, 2.1.328)."""
    return (
        f"<command-name>{name}</command-name>\n            <command-message>{name[1:]}</command-message>\n"
        f"            <command-args>{args}</command-args>"
    )


def expanded(name: str, args: str | None = None) -> str:
    """A command the client expands for the model (2.1.16, 2.1.126, 2.1.328)."""
    line = f"<command-message>{name[1:]}</command-message>\n<command-name>{name}</command-name>"
    return line if args is None else f"{line}\n<command-args>{args}</command-args>"


@pytest.mark.parametrize(
    "fields",
    [
        {"origin": {"kind": "human"}, "promptSource": "typed", "turnOrigin": "human"},
        {"origin": {"kind": "human"}, "promptSource": "queued"},
        {"promptSource": "sdk", "turnOrigin": "sdk"},
        {},
    ],
    ids=["typed", "queued", "sdk", "older"],
)
def test_what_a_person_wrote_is_a_prompt(fields: dict[str, object]) -> None:
    """2.0.65 and 2.1.111 write no origin at all."""
    assert Session().user("Add a discount", **fields) == [model.UserPrompt(text="Add a discount")]


def test_a_command_that_is_expanded_for_the_model_is_a_prompt() -> None:
    """Its arguments may be the real task, its expansion is never one."""
    transcript = Session()
    transcript.user(expanded("/apply-grant", "use the <idea> & apply for it"))
    transcript.user([{"type": "text", "text": "# Apply\nuse the <idea> & apply for it"}], isMeta=True)

    assert transcript.bodies == [model.UserPrompt(text="use the <idea> & apply for it", command="/apply-grant")]


def test_a_command_the_client_runs_itself_is_no_prompt() -> None:
    """Whatever its name: the record says so by its beginning."""
    transcript = Session()
    transcript.user("<local-command-caveat>Caveat: ...</local-command-caveat>", isMeta=True)
    transcript.user(local("/brand-new", "some words"))
    transcript.user("<local-command-stdout>\x1b[2mDone\x1b[22m</local-command-stdout>")

    assert (transcript.events, transcript.skipped) == ([], [])


def test_a_command_line_without_a_name_is_counted() -> None:
    transcript = Session()

    assert transcript.user("<command-message>ship</command-message>") == []
    assert [skipped.reason for skipped in transcript.skipped] == ["no command name"]


def test_the_users_own_shell_command_and_its_output() -> None:
    """Two records and no exit code (2.1.328)."""
    transcript = Session()
    transcript.user("<bash-input>echo hello</bash-input>", uuid="u-shell")
    transcript.user("<bash-stdout>\x1b[1mhello\x1b[0m</bash-stdout><bash-stderr>a warning</bash-stderr>")

    assert transcript.bodies == [
        model.ToolCall(call_id="u-shell", name="Bash", op="shell", subject="echo hello", actor="human"),
        model.ToolResult(
            call_id="u-shell",
            name="Bash",
            op="shell",
            status="unknown",
            subject="echo hello",
            output="hello\na warning",
            actor="human",
        ),
    ]


def notification(status: str | None, *, task: str = "b1", more: str = "") -> str:
    line = "" if status is None else f"<status>{status}</status>\n"
    return (
        f"<task-notification>\n<task-id>{task}</task-id>\n{line}"
        f'<summary>Background command "Build" ended</summary>\n{more}</task-notification>'
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [("completed", "done"), ("failed", "failed"), ("killed", "stopped"), ("stopped", "stopped"), (None, "running")],
)
def test_a_report_of_a_job_is_no_prompt(status: str | None, state: str) -> None:
    bodies = Session().user(notification(status), origin={"kind": "task-notification"}, promptSource="system")

    assert bodies == [model.BackgroundTask(task_id="b1", state=state, label='Background command "Build" ended')]  # type: ignore[arg-type]


def test_a_monitor_that_expired_has_stopped() -> None:
    """Its last event has no status (read about, in no recording)."""
    report = notification(None, more="<event>[Monitor expired after 10m with no events delivered.]</event>\n")

    assert [body.state for body in Session().user(report) if isinstance(body, model.BackgroundTask)] == ["stopped"]


def test_a_report_nobody_understands_is_counted() -> None:
    transcript = Session()
    transcript.user(notification("exploded"))
    transcript.user("<task-notification>words</task-notification>")

    assert transcript.events == []
    assert [skipped.reason for skipped in transcript.skipped] == ["unknown status", "no task id"]


REPORT = "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n</task-notification>"
PROMPT = {"commandMode": "prompt", "origin": {"kind": "human"}}


def test_a_prompt_that_was_taken_back_is_withdrawn() -> None:
    """2.1.16 gives each text back in a record of its own."""
    transcript = Session()
    transcript.queue("enqueue", "is it still running?")
    transcript.queue("enqueue", "??")
    transcript.queue("popAll", "is it still running?")
    transcript.queue("popAll", "??")

    assert transcript.bodies[2:] == [
        model.QueuedPrompt(text="is it still running?", change="withdrawn"),
        model.QueuedPrompt(text="??", change="withdrawn"),
    ]


def test_reports_of_jobs_are_never_queued_prompts() -> None:
    """But what they say of the job is known from then on, long before they are delivered."""
    transcript = Session()

    assert transcript.queue("enqueue", REPORT) == [model.BackgroundTask(task_id="b1", state="done")]
    assert transcript.queue("remove", REPORT, reason="absorbed_mid_turn") == []
    assert transcript.attachment("queued_command", prompt=REPORT, commandMode="task-notification") == [
        model.BackgroundTask(task_id="b1", state="done")
    ]


def test_a_prompt_delivered_in_mid_turn_is_an_attachment_and_one_prompt() -> None:
    transcript = Session()
    transcript.queue("enqueue", "also update the README")
    delivered = transcript.attachment("queued_command", prompt="also update the README", **PROMPT)
    removed = transcript.queue("remove", "also update the README", reason="absorbed_mid_turn")

    assert (delivered, removed) == ([model.UserPrompt(text="also update the README")], [])


def test_what_others_put_into_the_turn_is_no_prompt() -> None:
    transcript = Session()
    transcript.attachment("queued_command", prompt="hello", commandMode="prompt", origin={"kind": "peer"})
    transcript.attachment("queued_command", prompt="go on", commandMode="prompt", isMeta=True)

    assert (transcript.events, transcript.skipped) == ([], [])


REMINDER = "<system-reminder>\nBe careful.\n</system-reminder>"


def test_glued_blocks_are_taken_off_both_ends() -> None:
    opened = "<ide_opened_file>x</ide_opened_file>"

    assert Session().user(f" {opened}\n{REMINDER}\nfix it\n\n{REMINDER}\n{opened}\n") == [
        model.UserPrompt(text="fix it")
    ]


@pytest.mark.parametrize("piece", ["<system-reminder>", REMINDER, " ", "\x1b]", "<ide_opened_file>"])
def test_hostile_text_costs_no_time(piece: str) -> None:
    """Time in proportion to the text, whatever stands in it."""
    text = piece * (2_000_000 // len(piece))
    started = time.process_time()
    assert AGENT.quoted is not None
    AGENT.quoted.prompt(text, "")
    AGENT.quoted.outcome("shell", text)

    assert time.process_time() - started < 2


assert AGENT.quoted is not None
QUOTED = AGENT.quoted


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("Add a discount", (model.UserPrompt(text="Add a discount"),)),
        (
            "<command-message>review</command-message>\n<command-name>/review</command-name>\n"
            "<command-args>cart.py</command-args>",
            (model.UserPrompt(text="cart.py", command="/review"),),
        ),
        (
            "[Request interrupted by user]",
            (model.TurnEnd(reason="interrupted", message="[Request interrupted by user]"),),
        ),
        ("[Image: source: /tmp/a b.png]\n\n[Image: source: /tmp/2.png]", ()),
        ("Look at [Image: source: /tmp/a.png]", (model.UserPrompt(text="Look at [Image: source: /tmp/a.png]"),)),
    ],
)
def test_a_prompt_is_read_as_in_its_record(text: str, bodies: tuple[model.AnyBody, ...]) -> None:
    found = QUOTED.prompt(text, "")

    assert [type(body) for body in found] == [type(body) for body in bodies]
    assert [body for body in found if isinstance(body, model.UserPrompt)] == [
        body for body in bodies if isinstance(body, model.UserPrompt)
    ]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("3 passed", ToolOutcome("ok", "3 passed")),
        ("<tool_use_error>No match.</tool_use_error>", ToolOutcome("error", "No match.", never_ran=True)),
        (
            "[Request interrupted by user for tool use]",
            ToolOutcome("interrupted", "[Request interrupted by user for tool use]"),
        ),
    ],
)
def test_a_result_says_how_the_call_ended(text: str, outcome: ToolOutcome) -> None:
    assert QUOTED.outcome("shell", text) == outcome
