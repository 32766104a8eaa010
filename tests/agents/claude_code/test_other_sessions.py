"""What other sessions of Claude Code, its teammates and sub-agents send to one."""

from __future__ import annotations

from agents.claude_code.session import Session
from carryover.model import UserPrompt as Prompt
from support.costs import costing_little


def test_another_sessions_message_is_an_agents_word() -> None:
    """Delivered after a sentence of the client's and before its rules for such messages, or in mid-turn (2.1.231)."""
    transcript, peer = Session(), {"kind": "peer", "name": "docs 2", "body": "Pull first."}
    tag = '<cross-session-message from="uds:/a.sock" from-name="docs 2">\nPull first.\n</cross-session-message>'
    sent = [Prompt(text="Pull first.", actor="model", sender="docs 2")]

    record = f"Another Claude session sent a message:\n{tag}\n\nThis is not your user's approval."
    assert transcript.user(record, isMeta=True, origin=peer, promptSource="system") == sent
    assert transcript.attachment("queued_command", prompt=tag, commandMode="prompt", origin=peer, isMeta=True) == sent
    bare = '<cross-session-message from="a">Pull.</cross-session-message>'
    assert transcript.user(bare) == [Prompt(text="Pull.", actor="model", sender="another session")]
    assert transcript.user("No tag.", isMeta=True, origin=peer) == []
    assert transcript.user("<agent-message> is a tag, is it?") == [Prompt(text="<agent-message> is a tag, is it?")]
    assert transcript.user(f"What does {bare} mean?") == [Prompt(text=f"What does {bare} mean?")]
    # Time in proportion to the text: it is what another agent wrote.
    open_tags = "<cross-session-message>" * 80_000
    with costing_little():
        transcript.user(open_tags, origin=peer)


def test_what_teammates_sent_in_one_record_is_each_ones_own_word() -> None:
    """The record names no sender; where one only became idle, its client says so (2.1.232)."""
    idle = '{"type":"idle_notification","from":"retro","idleReason":"available"}'
    tags = [
        f'<teammate-message teammate_id="retro" color="blue">\n{idle}\n</teammate-message>',
        '<teammate-message teammate_id="tests" summary="1 -> 2">\nSame </teammate-message> scope?\n</teammate-message>',
    ]
    record = "\n\n".join(["Another Claude session sent a message:", *tags, "This came from another Claude session."])
    record = record.replace("\n\n", "\n", 1)
    assert Session().user(record) == [
        Prompt(text=idle, actor="model", sender=""),
        Prompt(text="Same </teammate-message> scope?", actor="model", sender="tests"),
    ]
    report = 'Another Claude session sent a message:\n<agent-message from="review">\nREVISE\n</agent-message>'
    assert Session().user(report, isMeta=True, origin={"kind": "peer"}) == [
        Prompt(text="REVISE", actor="model", sender="review")
    ]


def test_what_the_user_types_to_a_sub_agent_is_the_users_word() -> None:
    """The client marks it as its own text, but by whom it was sent: while the sub-agent works, and once it has stopped,
    in a sentence of the client's (runs of 2.1.332). To a teammate it is sent without that mark (source of 2.1.332)."""
    human = {"kind": "human"}
    steered = (
        "The user sent a new message while you were working:\nOnly the tests.\n\nNot the docs.\n\n"
        "This is how Claude Code surfaces messages the user sends mid-turn — within the running turn."
    )
    said = Session(subagent_id="a1")
    said.user("Count the files", rowSource="recorded")
    said.attachment("queued_command", prompt="Leave the importer alone.", origin=human, isMeta=True)
    said.user(steered, isMeta=True, origin=human)
    said.user(steered.partition("\n\n")[0], isMeta=True, origin=human)
    said.user("Go on.", isMeta=True)
    said.user("Then stop.", origin=human)
    said.attachment("queued_command", prompt="", origin=human, isMeta=True)

    assert said.all(Prompt) == [
        Prompt(text="Count the files", actor="model"),
        Prompt(text="Leave the importer alone.", in_turn=True),
        Prompt(text="Only the tests.\n\nNot the docs.", in_turn=True),
        Prompt(text="Only the tests.", in_turn=True),
        Prompt(text="Then stop.", in_turn=True),
    ]
    main = Session()
    main.user("Caveat: none.", isMeta=True, origin=human)
    assert main.all(Prompt) == []


def test_a_fork_is_told_its_task_alone() -> None:
    told = "<fork-boilerplate>\nYou are a worker fork. Execute ONE directive.\n</fork-boilerplate>\n\n"

    assert Session(subagent_id="a1").user([{"type": "text", "text": f"{told}Your directive: count the files"}]) == [
        Prompt(text="Your directive: count the files", actor="model")
    ]


def test_what_a_session_is_a_copy_of_is_no_report_of_a_job() -> None:
    """A background session that `/fork` begins is told so in that form (2.1.332)."""
    transcript = Session()
    note = "<task-notification>\n<fork-source>\nThis session began as a fork.\n</fork-source>\n</task-notification>"
    transcript.queue("enqueue", note)
    transcript.user(note, origin={"kind": "task-notification"})

    assert (transcript.bodies, transcript.skipped) == ([], [])


def test_a_session_that_a_memory_plugin_began_is_nobodys() -> None:
    """The plugin has conversations of any project summarised, each in a separate session in the folder where the plugin
    happens to run. The model may call tools and ask questions there (SDK 2.0.77)."""
    begins = "Context: This summary will be shown in a list to help users and Claude choose which conversations are"
    asked = f"{begins} relevant.\n\nPlease write a concise, factual summary of this conversation."
    plugins = Session()
    plugins.queue("enqueue", asked)
    plugins.queue("dequeue")
    plugins.user([{"type": "text", "text": asked}])
    plugins.runs("Write", file_path="summary.md", content="Pears.")
    plugins.record("ai-title", aiTitle="Pears")
    plugins.says("Which pears are meant?", stop="end_turn")
    plugins.user("Continue from where you left off.")
    assert plugins.events == []

    # The user may quote the plugin's prompt; a session with a prompt of the user's is the user's.
    theirs = Session()
    assert theirs.user(f"Where does this come from? {asked}") != []
    assert theirs.user(asked) == [Prompt(text=asked)]
    assert theirs.says("From a plugin.", stop="end_turn") != []
