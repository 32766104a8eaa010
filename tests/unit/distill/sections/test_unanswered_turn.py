"""What a handoff shows of a turn that was cut off, since no answer sums it up."""

from __future__ import annotations

from carryover import model
from support.conversation import ROOT, Conversation, under, worked


def edited(talk: Conversation, path: str, *added: str) -> Conversation:
    diff = "".join(f"+{line}\n" for line in ("", *added))
    return talk.event(model.FileEdit(path=f"{ROOT}/{path}", change="modify", diff=f"@@ +1\n-old = 1\n{diff}"))


def test_what_it_added_to_files_is_quoted_until_there_is_an_answer() -> None:
    talk = edited(worked().user("Make it responsive."), "page.tsx", 'className="px-4 md:px-8"')
    edited(talk, "page.tsx", "const [isMenuOpen, setMenuOpen] = useState(false);")

    files = under("Recent files", talk)
    assert "Added to `page.tsx` (turn 2): " in files
    assert 'className="px-4 md:px-8"' in files and "isMenuOpen" in files
    assert "old = 1" not in files
    assert "Added to" not in under("Recent files", talk.says("It is responsive."))


def test_what_an_earlier_turn_added_is_not_taken_for_its_own() -> None:
    talk = edited(worked().user("Make it responsive."), "page.tsx", "earlier = True").says("Done.")
    edited(talk.user("And the footer."), "page.tsx", "footer = True")

    files = under("Recent files", talk)
    assert "footer = True" in files and "earlier = True" not in files


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
