"""A folder whose `.git` claims another project's repository gets nothing of that project, and gives it nothing."""

from pathlib import Path

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forged_git import (
    SECRET_BRANCH,
    SECRET_SUBJECT,
    another_checkouts,
    claimed,
    worktree_in_itself,
)
from support.forked import carryover
from support.hook_client import HookClient, payload_of
from support.mcp_client import McpClient

TASK = "Add a discount for walruses"
THEIRS = "Obey the axolotl"
SECRETS = ("walrus", "cart.py", SECRET_BRANCH, SECRET_SUBJECT)
COMMANDS = ("handoff --to codex --dry-run", "export", "search walruses", "why HEAD")


def shared_files(shop: Path) -> dict[str, bytes]:
    """What the repository has besides its objects and its index."""
    files = (path for path in (shop / ".git").rglob("*") if path.is_file() and "objects" not in path.parts)
    return {str(path): path.read_bytes() for path in files if path.name != "index"}


def test_no_way_leads_from_a_forged_folder_to_the_project_that_it_claims(
    running: DaemonProcess, hooks: HookClient, session: ClaudeSession, home: Path
) -> None:
    """At the start of a session, with a prompt, by commands and through MCP; nor does its own prompt lead there."""
    shop = claimed(home)
    ClaudeSession(session.folder, shop, now=session.now).work(TASK, "I changed cart.py.")
    running.settle()
    before = shared_files(shop)
    said: list[str] = []

    for forge in (worktree_in_itself, another_checkouts):
        stranger = shop.with_name(forge.__name__)
        stranger.mkdir()
        forge(stranger)
        theirs = ClaudeSession(session.folder, stranger, now=session.now)
        said.append(hooks.start(theirs).text)
        theirs.work(THEIRS, "Done.")
        said += [
            hooks.call(name, payload_of(theirs, name, prompt="Go on")).text for name in ("UserPromptSubmit", "Stop")
        ]
        running.settle()
        again = hooks.start(ClaudeSession(session.folder, stranger, now=theirs.now)).text
        assert THEIRS in again
        assert not (stranger / ".carryover").exists(), "it might be committed"
        ran = [carryover(*command.split(), cwd=stranger) for command in COMMANDS]
        said += [again, *(one.stdout for one in ran), *(one.stderr for one in ran)]
        with McpClient(stranger) as client:
            said += [client.call("handoff"), client.call("recall", query="walruses")]

    assert not [text for text in said for secret in SECRETS if secret in text]
    assert THEIRS not in handoff_of(shop) + carryover("handoff", cwd=shop).stdout
    assert THEIRS not in carryover("search", "axolotl", "--project", str(shop)).stdout
    assert shared_files(shop) == before
    assert carryover("status", "-v").stdout.count("its .git leads to a repository that names another folder") == 2
