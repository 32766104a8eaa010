"""What a handoff shows of a turn that has no answer yet."""

from __future__ import annotations

from support.conversation import ROOT, under, worked


def test_a_file_that_it_read_takes_less_room_than_what_a_sub_agent_reported() -> None:
    talk = worked().user("Find out how the shop is built.")
    report = "\n".join(
        f"Finding {at}: the service {at} owns table {at}, and nothing else writes to it." for at in range(12)
    )
    talk.ran("Explore the services", report, op="agent", name="Task")
    for at in range(8):
        source = "\n".join(f"line {at}.{number} of a long source file that is on the disk" for number in range(60))
        talk.ran(f"{ROOT}/service_{at}.py", source, op="read", name="Read")

    files = under("Recent files", talk)
    assert [at for at in range(12) if f"Finding {at}:" not in files] == []
    assert "line 7.30 of" not in files
