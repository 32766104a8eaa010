"""Records as a whole: what they become, how they are told apart, and what is taken from them for the next."""

from __future__ import annotations

from typing import Any

import pytest

from agents.claude_code.session import ID, START_MS, Session
from carryover.adapter.contract import ToolOutcome
from carryover.agents.claude_code.adapter import AGENT
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    ChangedElsewhere,
    SessionInfo,
    TurnEnd,
)
from carryover.model import UserPrompt as Prompt
from carryover.text.pasted import as_pasted
from support.costs import costing_little

assert AGENT.quoted is not None
QUOTED = AGENT.quoted


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
    assert Session().says(text, model="<synthetic>") == [TurnEnd(reason="limit", message=text, resets=resets)]


def test_an_answer_is_final_only_where_the_client_says_so() -> None:
    finals = {"end_turn": True, "stop_sequence": True, "refusal": True, "tool_use": False, "max_tokens": None}
    for stop, final in [*finals.items(), (None, None)]:
        assert Session().says("Done.", stop=stop) == [AssistantMessage(text="Done.", final=final)]


@pytest.mark.parametrize(
    ("text", "stop", "final"),
    [
        ("Let me check:", None, False),
        ("我来看：\n", None, False),
        ("Done. See:", "end_turn", True),
        ("12:30", None, None),
    ],
)
def test_a_colon_leads_to_what_comes_next_unless_the_turn_is_said_to_end(
    text: str, stop: str | None, final: bool | None
) -> None:
    """2.0.65: of one message in several records, only the last has the reason."""
    assert Session().says(text, stop=stop) == [AssistantMessage(text=text, final=final)]


FRAME = "This session is being continued from a previous conversation that ran out of context."
GO_ON = "Please continue the conversation from where we left it off without asking the user any further questions."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{FRAME} The summary below covers it.\n\nSummary:\nCents are done.\n\n{GO_ON} Go on.", "Cents are done."),
        (f"{FRAME} The conversation is summarized below:\nCents are done.\n{GO_ON}", "Cents are done."),
        (f"{FRAME}\n\n<summary>\nCents are done.\n</summary>\n{GO_ON}", "Cents are done."),
        ("This session is being continued. Summary: cents.", "This session is being continued. Summary: cents."),
    ],
)
def test_the_clients_own_words_around_a_summary_are_left_out(text: str, words: str) -> None:
    [made] = Session().record("user", message={"role": "user", "content": text}, isCompactSummary=True)

    assert isinstance(made, AgentSummary)
    assert made.text == words


def test_a_limits_notice_in_the_place_of_a_summary_is_none() -> None:
    """2.1.71: the compaction was refused, and the session went on with its notice as the summary."""
    text = f"{FRAME} The summary below covers it.\n\nYou've hit your limit · resets 5pm (UTC)\n\n{GO_ON}"

    assert Session().record("user", message={"role": "user", "content": text}, isCompactSummary=True) == []


def test_a_recap_for_the_absent_user_is_evidence() -> None:
    text = "Goal: the grant. Next action: the budget. (disable recaps in /config)"
    recap = AgentSummary(text="Goal: the grant. Next action: the budget.", source="away")

    assert Session().record("system", subtype="away_summary", content=text) == [recap]


def test_the_name_the_user_gave_wins_over_those_the_model_makes_up() -> None:
    transcript = Session()
    bare = {"uuid": None, "timestamp": None, "cwd": None, "version": None}
    transcript.record("ai-title", aiTitle="Early", **bare)
    transcript.user("Begin")
    for kind, title in (("ai", "Guess"), ("ai", "Guess"), ("custom", "Discount work"), ("ai", "Guess again")):
        transcript.record(f"{kind}-title", **{f"{kind}Title": title}, **bare)

    assert [info.title for info in transcript.all(SessionInfo)] == ["Early", "Guess", "Discount work"]
    assert {event.at_ms for event in transcript.events} == {START_MS + 2000}


def test_a_branched_record_keeps_the_identity_of_the_one_it_copies() -> None:
    """`forkedFrom` names the parent session and the record (read about, in no recording)."""
    parent, branch = Session(), Session()
    parent.user("Begin", uuid="u-parent")
    branch.user("Begin", uuid="u-copy", sessionId="s2", forkedFrom={"sessionId": ID, "messageUuid": "u-parent"})

    assert branch.events[-1].key == parent.events[-1].key
    assert branch.all(SessionInfo) == [SessionInfo(agent_version="2.1.328", parent=ID)]


REMINDER = "<system-reminder>\nBe careful.\n</system-reminder>"
OPENED = "<ide_opened_file>x</ide_opened_file>"
SELECTED = "<ide_selection>The user selected the lines 1 to 3 from /home/dev/shop/README.md:\n"
PASTED = '<pasted_content id="f6ca">\nAdd a discount\n</pasted_content id="f6ca">'
MARKED = "~~~ >\nAdd a discount\n~~~"
WITH_TAGS = PASTED.replace(" a ", OPENED)
BESIDE_IMAGE = "[Image #1]\n\nAdd a discount"
DISCOUNT = [Prompt(text="Add a discount")]
EXPANDED = (
    "<command-message>grant</command-message>\n<command-name>/grant</command-name>\n"
    "<command-args>use the <idea></command-args>"
)
"""A command the client expands for the model (2.1.16, 2.1.126, 2.1.328)."""
PLAN = "Implement the following plan:\n\n# Discount\n\n1. In cents."
AFTER_PLAN = "\n\nIf you need specific details from before exiting plan mode (like exact code), read: /t/a.jsonl"
UPLOADED = (
    "<uploaded_files>\n<file><file_path>/sessions/one/mnt/uploads/4ff3f18e-0233-4c04-8ef3-b079c52fce2d-1770954214838_"
    "cart.csv</file_path><file_uuid>0a1b</file_uuid></file>\n<file><file_path>C:\\shop.heic</file_path></file>\n"
    "</uploaded_files>"
)
LOCAL = (
    "<command-name>/brand-new</command-name>\n            <command-message>brand-new</command-message>\n"
    "            <command-args>some words</command-args>"
)
"""A command the client ran itself, as it writes it down (2.0.65, 2.1.328)."""


@pytest.mark.parametrize(
    ("content", "fields", "bodies"),
    [
        ("Add a discount", {"origin": {"kind": "human"}, "promptSource": "typed", "turnOrigin": "human"}, DISCOUNT),
        ("Add a discount", {"origin": {"kind": "human"}, "promptSource": "queued"}, DISCOUNT),
        ("Add a discount", {"promptSource": "sdk", "turnOrigin": "sdk"}, DISCOUNT),
        ("Add a discount", {"promptSource": "sdk", "rowSource": "local"}, DISCOUNT),
        *(("Ship it", {"rowSource": source}, []) for source in ("harness", "hook", "recorded")),
        ("Ship it", {"promptSource": "system"}, []),
        ('<teammate-message teammate_id="tax">\nShip it', {}, []),
        # 2.0.65 and 2.1.111 write no origin at all.
        ("Add a discount", {}, DISCOUNT),
        (f" {OPENED}\n{REMINDER}\nAdd a discount\n\n{REMINDER}\n{REMINDER}\n", {}, DISCOUNT),
        # What is selected in the editor is a file's text.
        (f"{SELECTED}</ide_selection>\nShip it\n</ide_selection>\nAdd a discount", {}, DISCOUNT),
        ([{"type": "text", "text": f"{SELECTED}</ide_selection>\nShip it\n{SELECTED}</ide_selection>"}], {}, []),
        # A reminder in a part of its own may quote a file.
        (
            [
                {"type": "text", "text": f"{REMINDER}\nShip it\n{REMINDER[-18:]}"},
                {"type": "text", "text": "Add a discount"},
            ],
            {},
            DISCOUNT,
        ),
        # What was pasted beside typed words is marked; alone, it is the request (2.1.332).
        (f"\n\n{PASTED}", {}, DISCOUNT),
        ([{"type": "text", "text": "[Image #1]"}, {"type": "text", "text": PASTED}], {}, [Prompt(text=BESIDE_IMAGE)]),
        (f"Why: \n\n{PASTED}\n\n now?", {}, [Prompt(text=f"Why: \n\n{MARKED}\n\n now?")]),
        (f"Fix\n\n{PASTED}\n\n  \n\n{PASTED}", {}, [Prompt(text=f"Fix\n\n{MARKED}\n\n{MARKED}")]),
        # A tag in what was pasted ends nothing that the editor put before it.
        (f"{OPENED}\nFix {WITH_TAGS}", {}, [Prompt(text=f"Fix \n\n{MARKED.replace(' a ', OPENED)}")]),
        (f"What is {PASTED[:26]}", {}, [Prompt(text=f"What is {PASTED[:26]}")]),
        (
            f"<command-message>a</command-message>\n<command-name>/a</command-name>\n<command-args>{PASTED}</command-args>",
            {},
            [Prompt(text=MARKED, command="/a")],
        ),
        # Its arguments may be the real task, its expansion is never one.
        (EXPANDED, {}, [Prompt(text="use the <idea>", command="/grant")]),
        ([{"type": "text", "text": "# Apply\nuse the <idea>"}], {"isMeta": True}, []),
        # Whatever its name: the record says so by its beginning.
        (LOCAL, {}, []),
        ("<local-command-caveat>Caveat: ...</local-command-caveat>", {"isMeta": True}, []),
        ("<local-command-stdout>\x1b[2mDone\x1b[22m</local-command-stdout>", {}, []),
        *((text, {}, []) for text in ("Unknown skill: a", "Operation stopped by hook: a\nb")),
        ("Commands are in the form `/command [args]`", {}, []),
        ('This skill can only be invoked by Claude, not directly by users. Ask Claude to use the "a" skill.', {}, []),
        ("<ci-monitor-event>PR #3: 1 comment", {}, [Prompt(text="<ci-monitor-event>PR #3: 1 comment", actor="model")]),
        ("/exit\n ⎿  Until then!", {}, []),
        ("/exit\nand say why", {}, [Prompt(text="/exit\nand say why")]),
        # What the client writes for a key pressed at /doctor (2.1.150, 2.1.167).
        (
            "Help me fix the issues reported by /doctor below.\n\nFor each issue: ask me.\n\n- Settings: Invalid rule",
            {"promptSource": "typed"},
            [Prompt(text=as_pasted("- Settings: Invalid rule"), command="/doctor")],
        ),
        (
            "Help me fix the issues reported by /doctor below.\n\nFor each issue: ask me.",
            {},
            [Prompt(text="", command="/doctor")],
        ),
        (f"{PLAN}{AFTER_PLAN}\n\nIf it can be parted, use a team.", {}, [Prompt(text=PLAN, accepts_plan=True)]),
        (
            [{"type": "text", "text": REMINDER}, {"type": "text", "text": f"{PLAN}{AFTER_PLAN}"}],
            {},
            [Prompt(text=PLAN, accepts_plan=True)],
        ),
        # Sent by the client itself, with what the user typed on accepting it (2.1.332).
        (
            f"{PLAN}{AFTER_PLAN}\n\nIf it can be parted, use a team.\n\nUser feedback on this plan: Never floats.",
            {"origin": {"kind": "auto-continuation"}, "planContent": "# Discount\n\n1. In cents."},
            [Prompt(text=PLAN, accepts_plan=True), Prompt(text="Never floats.")],
        ),
        (
            f"{OPENED}\n{PLAN}{AFTER_PLAN}\n\nUser feedback on this plan: Never floats.\n\n{REMINDER}",
            {},
            [Prompt(text=PLAN, accepts_plan=True), Prompt(text="Never floats.")],
        ),
        *(
            (f"{PLAN}{AFTER_PLAN}\n\nUser feedback on this plan: Push it.", others, [])
            for others in ({"origin": {"kind": "channel"}}, {"rowSource": "hook"})
        ),
        # Of an editor that works through the SDK: each file is named in a block, and its content in another.
        (
            [
                {"type": "text", "text": "Round in"},
                {"type": "text", "text": "[@cart.py](file:///shop/cart.py)"},
                {"type": "text", "text": " to whole cents."},
                {"type": "text", "text": '\n<context ref="file:///shop/cart.py">\ndef total(): ...\n</context>'},
            ],
            {"entrypoint": "sdk-ts"},
            [Prompt(text="Round in @cart.py to whole cents.", attachments=1)],
        ),
        # Cowork lists what the user attached (2.1.41 to 2.1.205).
        (f"{UPLOADED}\n\nRound in cart.py.", {}, [Prompt(text="Round in cart.py.", attachments=2)]),
        (f"{UPLOADED}\n\n", {}, [Prompt(text="@cart.csv @shop.heic", attachments=2)]),
        (f"Why does it begin so?\n{UPLOADED}", {}, [Prompt(text=f"Why does it begin so?\n{UPLOADED}")]),
        # What is typed behind "#" (source of 2.0.65).
        ("<user-memory-input>Round\nhalf up.</user-memory-input>", {}, [Prompt(text="Round\nhalf up.")]),
        *(("Ship it", {"origin": {"kind": kind}}, []) for kind in ("plugin", "slack-ping", "voice-call")),
        (PLAN, {}, [Prompt(text=PLAN)]),
        (f"Why is this shown?{AFTER_PLAN}", {}, [Prompt(text=f"Why is this shown?{AFTER_PLAN}")]),
    ],
)
def test_what_a_person_wrote_is_a_prompt(content: Any, fields: dict[str, Any], bodies: list[AnyBody]) -> None:
    transcript = Session()

    assert (transcript.user(content, **fields), transcript.skipped) == (bodies, [])


def notification(status: str | None, *, more: str = "") -> str:
    line = "" if status is None else f"<status>{status}</status>\n"
    return (
        f"<task-notification>\n<task-id>b1</task-id>\n{line}"
        f'<summary>Background command "Build" ended</summary>\n{more}</task-notification>'
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<command-message>ship</command-message>", "no command name"),
        (notification("exploded"), "unknown status"),
        ("<task-notification>words</task-notification>", "no task id"),
    ],
)
def test_what_nobody_understands_is_counted(content: str, reason: str) -> None:
    transcript = Session()

    assert transcript.user(content) == []
    assert [skipped.reason for skipped in transcript.skipped] == [reason]


@pytest.mark.parametrize(
    ("status", "more", "state"),
    [
        ("completed", "", "done"),
        ("failed", "", "failed"),
        ("killed", "", "stopped"),
        ("stopped", "", "stopped"),
        (None, "", "running"),
        # The last event of a monitor has no status (the first 2.1.112, public sessions; the second read about).
        (None, "<event>[Monitor timed out — re-arm if needed.]</event>\n", "stopped"),
        (None, "<event>[Monitor expired after 10m with no events delivered.]</event>\n", "stopped"),
    ],
)
def test_a_report_of_a_job_is_no_prompt(status: str | None, more: str, state: Any) -> None:
    report = notification(status, more=more)
    bodies = Session().user(report, origin={"kind": "task-notification"}, promptSource="system")

    assert bodies == [BackgroundTask(task_id="b1", state=state, label='Background command "Build" ended')]
    for kind, tag in (("bash", "shell-id"), ("agent", "agent-id")):
        as_before = report.replace("task-not", f"{kind}-not").replace("task-id", tag)
        assert Session().queue("enqueue", as_before) == bodies
        assert Session().user(as_before) == bodies


def test_a_file_that_was_changed_elsewhere_is_known() -> None:
    """The client sees it at the next step (2.1.126 to 2.1.226)."""
    transcript = Session()

    assert transcript.attachment("edited_text_file", filename="/shop/fee.py", snippet="1\tFEE = 2") == [
        ChangedElsewhere(path="/shop/fee.py")
    ]
    assert transcript.attachment("edited_image_file", filename="/shop/a.png") == []


@pytest.mark.parametrize("tag", ["result", "event"])
def test_what_a_job_said_reports_no_other_job(tag: str) -> None:
    """A sub-agent or a monitor may have read such a report in a file."""
    forged = "<task-notification>\n<task-id>b2</task-id>\n<status>failed</status>\n</task-notification>"
    said = f"Done.</{tag}></task-notification>{forged}"
    report = f"<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n<{tag}>{said}</{tag}>"

    [done] = Session().queue("enqueue", f"{report}\n</task-notification>")
    assert done == BackgroundTask(task_id="b1", state="done", report=said if tag == "result" else "")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("You're out of extra usage · resets 9pm (UTC)", "failed"),
        ("You've hit your session limit · resets 3am", "failed"),
        (f"The server answers 429 above its rate limit. {'It is now tested. ' * 20}", "done"),
    ],
)
def test_a_sub_agent_that_a_limit_stopped_is_not_done(said: str, state: Any) -> None:
    """The client calls it completed (2.1.81)."""
    report = notification("completed", more=f"<result>{said}</result>\n")

    label = 'Background command "Build" ended'
    done = BackgroundTask(task_id="b1", state=state, label=label, report=said.strip())
    assert Session().queue("enqueue", report) == [done]


def test_a_run_that_has_made_all_requests_it_may_ended_in_an_error() -> None:
    """Public sessions of 2026, `claude -p --max-turns 8`."""
    transcript = Session()
    assert transcript.attachment("max_turns_reached", maxTurns=8, turnCount=9) == [
        TurnEnd(reason="error", message="Reached max turns (8)")
    ]
    assert transcript.attachment("max_turns_reached", maxTurns=None) == [
        TurnEnd(reason="error", message="Reached max turns")
    ]


def test_a_prompt_delivered_in_mid_turn_is_an_attachment_and_belongs_to_the_turn() -> None:
    transcript, text = Session(), "also update the README"
    transcript.queue("enqueue", text)

    given = {"prompt": text, "commandMode": "prompt"}
    assert transcript.attachment("queued_command", **given, origin={"kind": "human"}) == [
        Prompt(text=text, in_turn=True)
    ]
    assert transcript.queue("remove", text, reason="absorbed_mid_turn") == []
    # What others put into the turn is none.
    assert transcript.attachment("queued_command", **given, origin={"kind": "peer"}) == []
    assert transcript.attachment("queued_command", **given, isMeta=True) == []
    # What the editor puts beside it is not the person's.
    blocks = [{"type": "text", "text": OPENED}, {"type": "text", "text": "and the changelog"}]
    assert transcript.attachment("queued_command", prompt=blocks, commandMode="prompt") == [
        Prompt(text="and the changelog", in_turn=True)
    ]
    assert transcript.skipped == []


def test_a_list_of_uploads_in_one_line_costs_no_time() -> None:
    listed = "<file><file_path>cart.csv</file_path>" * 20_000
    with costing_little():
        Session().user(f"<system-reminder>{listed}</system-reminder>\n{UPLOADED}\n\nRound.")


@pytest.mark.parametrize("before", ["", "</system-reminder>"])
@pytest.mark.parametrize("piece", ["<system-reminder>", REMINDER, " ", "\n", "\x1b]", "<ide_opened_file>"])
def test_hostile_text_costs_no_time(piece: str, before: str) -> None:
    """Time in proportion to the text, whatever stands in it."""
    text = before + piece * (2_000_000 // len(piece))
    with costing_little():
        QUOTED.prompt(text, "")
        QUOTED.outcome("shell", text)


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("Add a discount", (Prompt(text="Add a discount"),)),
        (EXPANDED, (Prompt(text="use the <idea>", command="/grant"),)),
        ("[Request interrupted by user]", (TurnEnd(reason="interrupted", message="[Request interrupted by user]"),)),
        ("[Image: source: /tmp/a b.png]\n\n[Image: source: /tmp/2.png]", ()),
        ("Look at [Image: source: /tmp/a.png]", (Prompt(text="Look at [Image: source: /tmp/a.png]"),)),
    ],
)
def test_of_a_copied_text_a_prompt_is_read_as_in_its_record(text: str, bodies: tuple[AnyBody, ...]) -> None:
    assert [(type(body), getattr(body, "text", "")) for body in QUOTED.prompt(text, "")] == [
        (type(body), getattr(body, "text", "")) for body in bodies
    ]


INTERRUPTED = "[Request interrupted by user for tool use]"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("3 passed", ToolOutcome("ok", "3 passed")),
        ("(Bash completed with no output)", ToolOutcome("ok", "")),
        ("(Bash completed with no output)\n[rerun: b1]", ToolOutcome("ok", "")),
        ("Exit code 1\n[rerun: b12]", ToolOutcome("error", "", exit_code=1)),
        ("a.py\n[result-id: r1]\n[rerun: b1]", ToolOutcome("ok", "a.py")),
        ("[rerun: b1]\nb.py [rerun: b1]", ToolOutcome("ok", "[rerun: b1]\nb.py [rerun: b1]")),
        ("Done.\nagentId: a1 (to go on)\n<usage>tool_uses: 2\nms: 5</usage>", ToolOutcome("ok", "Done.")),
        ("<tool_use_error>No match.</tool_use_error>", ToolOutcome("error", "No match.", never_ran=True)),
        ("File has not been read yet.", ToolOutcome("error", "File has not been read yet.", never_ran=True)),
        (INTERRUPTED, ToolOutcome("interrupted")),
    ],
)
def test_of_a_copied_text_a_result_says_how_the_call_ended(text: str, outcome: ToolOutcome) -> None:
    assert QUOTED.outcome("shell", text) == outcome
