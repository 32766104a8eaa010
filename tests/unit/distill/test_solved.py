"""Which failures of a session's digest are solved, and by what."""

from __future__ import annotations

import pytest

from support.conversation import Conversation


def test_a_failure_is_solved_once_the_same_succeeds() -> None:
    talk = Conversation().user("Install it.").ran("pip install money", "ERROR: no such", status="error")
    assert (talk.failure.why, talk.failure.solved) == ("ERROR: no such", False)

    assert not talk.ran("pip install decimal", "ok").failure.solved
    assert talk.ran("pip install money", "ok").failure.solved


def test_tests_that_never_began_are_no_failure_once_they_ran() -> None:
    talk = (
        Conversation()
        .user("Test it.")
        .ran("source .venv/bin/activate && pytest | tail -3", "no such file or directory: .venv", status="error")
    )
    assert not talk.failure.solved

    assert talk.ran("source ../venv/bin/activate && pytest | tail -3", "1 failed").failure.solved


@pytest.mark.parametrize(
    ("later", "solved"),
    [
        ("chmod +x cap.sh && ./cap.sh --all", True),
        ("./cap.sh --all && cat cap.log | tail -3", True),
        ("git commit -qm 'Cap | lid; more' && ./cap.sh --all", True),
        ("chmod +x cap.sh && ./cap.sh --all | tail -3", False),
        ("./cap.sh --all; echo $?", False),
        ("./cap.sh --all || true && ls", False),
        ("echo ./cap.sh --all", False),
    ],
)
def test_a_failure_is_solved_by_a_chain_that_cannot_have_succeeded_without_it(later: str, solved: bool) -> None:
    talk = Conversation().user("Cap it.").ran("./cap.sh --all", "Permission denied", status="error").user("And?")

    assert talk.user("Now?").ran(later, "ok").failure.solved is solved


@pytest.mark.parametrize(
    ("later", "solved"),
    [
        ('ssh shop "systemctl start till && sleep 3 && systemctl status till"', True),
        ('cd shop && ssh shop "systemctl start till && systemctl status till"', True),
        ('ssh till "systemctl start till && systemctl status till"', False),
        ('ssh shop "systemctl start till && systemctl status till | head"', False),
        ('ssh shop "systemctl status till; true"', False),
    ],
)
def test_a_failure_on_another_machine_is_solved_by_a_chain_there(later: str, solved: bool) -> None:
    talk = Conversation().user("Run it.").ran('ssh shop "systemctl status till"', "status=203/EXEC", status="error")

    assert talk.user("And?").user("Now?").ran(later, "active (running)").failure.solved is solved


@pytest.mark.parametrize(
    ("later", "solved"),
    [
        ("python3 cap.py", True),
        ("cd shop && .venv/bin/python -m shop", True),
        ("make cap && python3.12 -V", True),
        ("pythonize cap.py", False),
        ("cat python", False),
    ],
)
def test_a_program_that_was_not_there_is_found_once_it_runs_from_elsewhere_or_in_another_version(
    later: str, solved: bool
) -> None:
    missing = Conversation().user("Cap it.").ran("python cap.py", "zsh:1: command not found: python", status="error")
    broken = Conversation().user("Cap it.").ran("python cap.py", "KeyError: cap", status="error")

    assert missing.user("And?").user("Now?").ran(later, "ok").failure.solved is solved
    assert not broken.user("And?").user("Now?").ran(later, "ok").failure.solved


def test_a_program_that_was_not_there_is_not_found_by_reading_it() -> None:
    missing = Conversation().user("Cap it.").ran("./cap.sh", "bash: ./cap.sh: Permission denied", status="error")

    assert not missing.ran("/shop/bin/cap.sh", "make", op="read").failure.solved
    assert missing.ran("bin/cap.sh", "ok").failure.solved


@pytest.mark.parametrize(("prompts_between", "solved"), [(0, True), (1, True), (2, False)])
def test_a_failure_is_solved_by_the_same_with_other_options_unless_that_came_much_later(
    prompts_between: int, solved: bool
) -> None:
    talk = Conversation().user("Cap it.").ran("make cap --strict", "error: no rule", status="error")
    for _ in range(prompts_between):
        talk.user("Try again.")

    assert talk.ran("make cap", "ok").failure.solved is solved
    assert not Conversation().user("Cap it.").ran("make cap", "no", status="error").ran("make tax").failure.solved


SCRIPT = "python - <<'PY'\npath = Path('docs/cap.md')\ntext = path.read_text()\nprint(text.count('cap'), 'of 12')\nPY"


def test_no_option_of_another_program_is_a_script() -> None:
    command = "gcc -c cart.c -o /dev/null -I include -I src -Wall -Wextra -O2"
    for failed in (command, f"git -c color.ui=never -c user.name=dev {command}", f"docker run -e A=1 python {command}"):
        talk = Conversation().user("Build it.").ran(failed, "Killed", status="error")
        assert not talk.ran(failed.replace("cart", "tax"), "built").failure.solved


@pytest.mark.parametrize(
    ("later", "cause", "solved"),
    [
        (SCRIPT.replace("path =", "from pathlib import Path\npath =", 1), "NameError: no Path", True),
        (SCRIPT.replace("python", ".venv/bin/python3"), "ModuleNotFoundError: No module named 'cap'", True),
        (SCRIPT.replace("text.count('cap')", "len(text)"), "AttributeError: no count", False),
        (SCRIPT.replace("cap", "tax"), "FileNotFoundError: docs/cap.md", False),
        ("python - <<'PY'\nprint(12)\nPY", "NameError: no Path", False),
    ],
)
def test_a_script_that_failed_is_solved_by_its_next_attempt_which_still_has_what_the_reason_names(
    later: str, cause: str, solved: bool
) -> None:
    talk = Conversation().user("Count it.").ran(SCRIPT, cause, status="error").ran("ls docs", "cap.md")

    assert talk.ran(later, "3 of 12").failure.solved is solved
    late = Conversation().user("Count it.").ran(SCRIPT, cause, status="error").ran("ls").ran("make").ran("ls docs")
    assert not late.ran(later, "3 of 12").failure.solved


@pytest.mark.parametrize(
    ("output", "solved"),
    [
        ("To https://git.example/shop.git\n   58c5eb5..6b8d816  main -> main", True),
        ("To https://git.example/shop.git\n ! [rejected]  main -> main", False),
        ("To https://git.example/docs.git\n   58c5eb5..6b8d816  main -> main", False),
    ],
)
def test_a_push_that_failed_is_solved_by_a_push_to_the_same_address(output: str, solved: bool) -> None:
    why = "fehler: Fehler beim Versenden einiger Referenzen nach 'https://git.example/shop.git'"
    talk = Conversation().user("Push it.").ran("git add . && git commit -m Cap && git push", why, status="error")
    talk.user("And?").ran("git pull --rebase && make && git push origin main", output)

    assert [failure.solved for failure in talk.digest.failures] == [solved]


@pytest.mark.parametrize(
    ("tried", "solved"),
    [("git commit -am Cap", True), (f"git commit -am '{'Cap each of them. ' * 9}' && git push", False)],
)
def test_a_commit_that_failed_is_solved_by_the_next_commit(tried: str, solved: bool) -> None:
    talk = Conversation().user("Commit it.").ran(tried, "fatal: unable to auto-detect email address", status="error")
    assert not talk.user("And?").user("Now?").ran("git commit -m Cap", "nothing to commit").failure.solved

    later = "git config user.email till@shop.example && git commit -qam Cap"
    assert talk.ran(later, "[main 1a2b3c4] Cap").failure.solved is solved


@pytest.mark.parametrize(
    ("why", "address", "solved"),
    [
        ("error: eslint found 2 problems", "https://git.example/shop.git", True),
        ("fatal: unable to access 'https://git.example/docs.git/'", "https://git.example/shop.git", False),
        ("error: failed to push some refs to 'git@git.example:docs.git'", "git@git.example:shop.git", False),
    ],
)
def test_a_chain_that_failed_before_its_push_is_solved_by_a_commit_and_a_push(
    why: str, address: str, solved: bool
) -> None:
    push = f"To {address}\n   58c5eb5..6b8d816  main -> main"
    talk = Conversation().user("Push it.").ran("git add . && git commit -m Cap && git push", why, status="error")
    assert not talk.ran("git push origin main", push).failure.solved, "nothing was committed"
    assert not talk.ran("git commit -m 'Cap it'", "[main 1a2b3c4] Cap it").failure.solved

    assert talk.user("And?").ran("git push origin main", push).failure.solved is solved


def test_the_same_failure_again_is_counted_and_a_failed_edit_is_solved_by_the_edit_of_its_file() -> None:
    talk = Conversation().user("Go.")
    for number in range(3):
        talk.ran(f"make part{number}", f"error: line {number}", status="error")
    edit = Conversation().user("Go.").ran("cart.py", "String not found", status="error", op="edit", name="Edit")

    assert (talk.failure.times, talk.failure.why) == (3, "error: line 2")
    assert not edit.edited("checkout.py").failure.solved
    assert edit.edited("cart.py").failure.solved
