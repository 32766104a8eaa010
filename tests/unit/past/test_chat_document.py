from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from carryover.config import Config
from carryover.distill.own_text import export_frame
from carryover.export.atif import trajectory
from carryover.export.pieces import TextFile
from carryover.export.session_parts import SessionHead, session_markdown
from carryover.ledger.connect import connect_read_only
from carryover.model import StoredEvent, UserPrompt
from carryover.past.chat_document import gathered
from carryover.past.chat_files import IGNORED, guidance, is_secret_name, relevant_files, with_text
from carryover.past.uncommitted import LARGEST_COMPARED, uncommitted
from carryover.probe.files import LARGEST_BYTES, project_paths
from carryover.publish import pointers
from support.claude_session import ClaudeSession
from support.clock import LATER_MS
from support.conversation import Conversation, project
from support.repository import PLANTED, git, hostile_repository, repository
from support.shop_in_ledger import ReadIn

PROMPT = "Add a discount to cart.py. Never round before the end, because cents get lost."


def test_what_is_recorded_and_what_is_on_disk_come_together(
    session: ClaudeSession, shop: Path, read_in: ReadIn, ledger_path: Path
) -> None:
    session.prompt(PROMPT)
    cases = "\n".join(f"Case {number}: total{number} is tested by hand." for number in range(80))
    session.answer(f"`discount` is in cart.py.\n{cases}\nNext I will wire it into checkout.")
    project_id = read_in(session)
    (shop / "cart.py").write_text("total = 1\n")
    (shop / "till.py").write_text("open = True\n")
    git(shop, "add", "till.py")
    (shop / "README.md").write_text("# shop\n\nSells bread.\n")
    (shop / "AGENTS.md").write_text("Be brief.\n")
    (shop / ".carryover").mkdir()
    (shop / ".carryover" / "handoff.md").write_text("x")

    with closing(connect_read_only(ledger_path)) as db:
        short = gathered(str(shop), Config(), now_ms=LATER_MS, work=(db, project_id, 300))
        found = gathered(str(shop), Config(), now_ms=LATER_MS, work=(db, project_id, 3000))

    assert (found.name, found.readme) == ("shop", "# shop\n\nSells bread.\n")
    assert found.paths == ("AGENTS.md", "README.md", "cart.py", "till.py")
    shown, briefly = ("\n".join(text for _, lines in one.handoff for text, _ in lines) for one in (found, short))
    assert PROMPT in shown and "`discount` is in cart.py" in shown
    assert shown.count("by hand") > 1.5 * briefly.count("by hand")
    assert [(change.path, "+total = 1" in change.diff) for change in found.changes] == [("cart.py", True)]
    assert [file.path for file in found.guidance] == ["AGENTS.md"]
    assert [file.path for file in found.files if file.changed] == ["cart.py", "README.md", "till.py"]


@pytest.mark.parametrize("data", [b"\0", b"\xff", b"x" * (LARGEST_BYTES + 1)])
def test_a_readme_that_is_no_text_or_too_large_is_only_named(shop: Path, data: bytes) -> None:
    (shop / "README.md").write_bytes(data)

    found = gathered(str(shop), Config(), now_ms=LATER_MS)

    assert (found.readme, found.paths) == ("", ("README.md", "cart.py"))


def test_the_root_of_the_file_system_is_called_by_its_path() -> None:
    assert gathered("/", Config(), now_ms=LATER_MS).name == "/"


def test_the_diff_of_a_file_made_for_secrets_is_not_read(shop: Path) -> None:
    (shop / "prod.env").write_text("KEY=abc\n")
    git(shop, "add", "prod.env")
    git(shop, "commit", "--quiet", "--message", "keys")
    (shop / "prod.env").write_text("KEY=def\n")
    (shop / ".env").write_text("KEY=abc\n")
    (shop / "cart.py").write_text("total = 2\n")

    found = gathered(str(shop), Config(), now_ms=LATER_MS)

    secret = "its name says that it holds secrets"
    assert found.left_out == {".env": secret, "prod.env": secret}
    assert [change.path for change in found.changes if not change.diff] == ["prod.env"]
    assert "KEY=" not in repr(found)


FILES = {
    "cart.py": "total = 0\n",
    "till/oven.py": "heat = 1\n",
    "bread/oven.py": "heat = 2\n",
    "other.py": "x = 1\n",
    ".gitignore": "local.py\n",
    "package-lock.json": "{}\n",
    "prod.env": "KEY=1\n",
    "logo.py": "binary",
}


@pytest.fixture
def bakery(tmp_path: Path) -> Path:
    root = repository(tmp_path / "shop", FILES)
    (root / "local.py").write_text("mine = 1\n")
    (root / "logo.py").write_bytes(b"\0\1")
    return root


def matter(
    root: Path, *edited: str, changed: tuple[str, ...] = (), texts: tuple[str, ...] = ()
) -> tuple[list[TextFile], dict[str, str]]:
    talk = Conversation().user("Mend the oven")
    for path in edited:
        talk.edited(path, line=1)
    view = project(talk, root="/home/dev/shop")
    paths = project_paths(root)[0]
    return with_text(root, relevant_files(paths, view, changed, texts, talk.at_ms), paths)


def test_however_it_is_written_a_file_is_named(bakery: Path) -> None:
    forms = ["`other.py`", "see ./other.py.", "(other.py)", "C:\\shop\\other.py", "other.pyを直す", "**other.py**:"]
    for text in (*forms, "OTHER.PY"):
        assert [file.path for file in matter(bakery, texts=(text,))[0]] == ["other.py"], text


def test_what_is_ignored_secret_generated_or_no_text_is_named_and_not_read(bakery: Path) -> None:
    first, last = export_frame("0a1b2c3d")
    (bakery / "bakery.md").write_text(f"# {first} The project bakery\n\n## Task\n\n{last}\n\nIs it sound?\n")
    head = SessionHead(id="s1", agent="codex", agent_name="Codex", exported_ms=LATER_MS)
    (bakery / "oven.md").write_text("\n".join([*session_markdown(head, ()), "", "## You", "", "Bake."]))
    said = StoredEvent(at_ms=LATER_MS, subagent_id=None, body=UserPrompt(text="Bake."))
    (bakery / "oven.json").write_bytes(trajectory(head, [said]) or b"")
    (bakery / "theirs.json").write_text('{\n  "schema_version": "ATIF-v1.7",\n  "notes": "Ours"\n}\n')
    names = ("local.py", "prod.env", "package-lock.json", "logo.py", "gone.py", "bakery.md", "oven.md", "oven.json")
    files, left_out = matter(bakery, *names, "theirs.json")

    assert [file.path for file in files] == ["theirs.json"] and left_out == {
        "bakery.md": "Carryover's own: an export, a handoff or the pointer to it",
        "oven.json": "Carryover's own: an export, a handoff or the pointer to it",
        "oven.md": "Carryover's own: an export, a handoff or the pointer to it",
        "local.py": IGNORED,
        "logo.py": "not text",
        "package-lock.json": "generated, or data",
        "prod.env": "its name says that it holds secrets",
    }


def test_uncommitted_work_counts(bakery: Path) -> None:
    files, _ = matter(bakery, changed=("other.py",))

    assert [(file.path, file.changed) for file in files] == [("other.py", True)]


def test_a_file_comes_before_others_for_each_reason_there_is_for_it(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", dict.fromkeys(("a.py", "b.py", "c.py", "d.py", "e.py"), "x\n"))

    files, _ = matter(root, "c.py", "d.py", "e.py", changed=("b.py", "d.py", "e.py"), texts=("See a.py and e.py.",))

    assert [file.path for file in files] == ["e.py", "d.py", "c.py", "b.py", "a.py"]


def test_a_file_that_was_edited_takes_no_place_of_those_that_are_only_named(tmp_path: Path) -> None:
    root = repository(tmp_path / "many", {f"f{number:02}.py": "x\n" for number in range(16)})
    named = tuple(f"f{number:02}.py" for number in range(16))

    files, _ = matter(root, "f00.py", changed=("f01.py",), texts=named)

    assert {file.path for file in files} == set(named[:14])


def test_what_is_shown_as_an_instruction_is_not_shown_again(bakery: Path) -> None:
    (bakery / "AGENTS.md").write_text("Be brief.\n")

    found = gathered(str(bakery), Config(), now_ms=LATER_MS)

    assert [file.path for file in found.guidance] == ["AGENTS.md"]
    assert [file.path for file in found.files] == []


def test_of_many_files_those_that_matter_least_are_named_and_not_read(tmp_path: Path) -> None:
    root = repository(tmp_path / "many", {f"f{number:02}.py": "x\n" for number in range(42)})

    files, left_out = matter(root, changed=tuple(f"f{number:02}.py" for number in range(42)))

    assert len(files) == 40
    assert list(left_out) == ["f40.py", "f41.py"]


SECRET = """.env app/.env.local prod.env .envrc id_rsa deploy/id_ed25519.pub certs/server.PEM app.key keys/upload.jks
.npmrc .netrc credentials google-credentials.json config/secrets.yaml my_secret.txt client_secret_1234.json
service-account-prod.json terraform.tfstate prod.tfvars kubeconfig github-token .aws/config secrets/prod/db.txt
token.txt tokens.json api_key access-key.csv private_key.txt config.local.json .claude/settings.local.json
config/database.local.yml composer/auth.json cookies.txt .my.cnf .vault_pass.txt"""
OPEN = """cart.py .env.example secrets.py src/credentials.ts docs/secrets.md secretary.txt keyboard.json tokens.css
tokenizer.json config.local.ts CLAUDE.local.md locale.json author.json"""


def test_a_file_made_to_hold_secrets_is_known_by_its_name_and_a_template_and_code_about_secrets_are_none() -> None:
    assert [path for path in (*SECRET.split(), *OPEN.split()) if is_secret_name(path)] == SECRET.split()


def test_a_file_that_an_agents_spec_names_is_guidance(tmp_path: Path) -> None:
    paths = {
        *("AGENTS.md", "AGENTS.override.md", "CLAUDE.md", "GEMINI.md", "packages/till/AGENTS.md"),
        *(".claude/rules/style.md", ".claude/skills/bake/SKILL.md", ".agents/skills/bake/SKILL.md"),
        *(".codex/skills/bake/SKILL.md", ".cursor/rules/style.mdc", ".cursorrules", ".github/copilot-instructions.md"),
        *(".github/instructions/py.instructions.md", ".windsurf/rules/style.md", ".windsurfrules"),
    }
    root = repository(tmp_path / "shop", dict.fromkeys((*paths, "docs/style.md", "skills/SKILL.md"), "Be brief.\n"))

    files, left_out = guidance(root, project_paths(root)[0])

    assert ({file.path for file in files}, {file.text for file in files}, left_out) == (paths, {"Be brief.\n"}, {})


def test_a_link_to_another_file_of_the_project_is_that_file_and_one_that_leads_elsewhere_is_not_read(
    tmp_path: Path,
) -> None:
    root = repository(tmp_path / "shop", {"AGENTS.md": "Be brief.\n", "prod.env": "KEY=1\n"})
    (tmp_path / "mine.md").write_text("My key is in the drawer.\n")
    (root / "CLAUDE.md").symlink_to("AGENTS.md")
    (root / "GEMINI.md").symlink_to(tmp_path / "mine.md")
    (root / ".cursorrules").symlink_to("prod.env")

    files, left_out = guidance(root, project_paths(root)[0])

    assert [(file.path, file.text) for file in files] == [("AGENTS.md", "Be brief.\n"), ("CLAUDE.md", "Be brief.\n")]
    assert left_out == {".cursorrules": "a symlink", "GEMINI.md": "a symlink"}


def test_what_is_ours_ignored_or_no_text_is_taken_out(tmp_path: Path) -> None:
    own = pointers.with_block(b"Be brief.\n", at_top=False).decode()
    ours = {"till/CLAUDE.md": own, "AGENTS.md": pointers.NEW_FILE.decode()}
    root = repository(tmp_path / "shop", {".gitignore": "/CLAUDE.md\n", **ours})
    (root / "CLAUDE.md").write_text("My key is in the drawer.\n")
    (root / "GEMINI.md").write_bytes(b"\xff\0")

    files, left_out = guidance(root, project_paths(root)[0])

    assert files == [TextFile(path="till/CLAUDE.md", text="Be brief.\n")]
    assert left_out == {"GEMINI.md": "not text", "CLAUDE.md": IGNORED}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", {"cart.py": "total = 0\n", "*.py": "x = 1\n", "old.py": "y\n"})


def test_each_changed_file_comes_with_its_diff(checkout: Path) -> None:
    (checkout / "cart.py").write_text("total = 1\n")
    (checkout / "*.py").write_text("x = 2\n")
    (checkout / "old.py").unlink()
    (checkout / "staged.py").write_text("z = 1\n")
    git(checkout, "add", "staged.py")

    found = {file.path: file for file in uncommitted(checkout)}

    assert list(found) == ["*.py", "cart.py", "old.py", "staged.py"]
    assert "-total = 0\n+total = 1\n" in found["cart.py"].diff
    assert "+x = 2\n" in found["*.py"].diff
    assert "total" not in found["*.py"].diff
    assert (found["old.py"].diff, found["old.py"].deletions, found["old.py"].gone) == ("", 1, True)
    assert [file.path for file in found.values() if file.new] == ["staged.py"]


def test_text_that_is_secret_too_large_or_binary_is_not_read(checkout: Path) -> None:
    (checkout / ".env").write_text("TOTAL=secret\n")
    git(checkout, "add", ".env")
    (checkout / "*.py").write_text("x" * (LARGEST_COMPARED + 1))
    (checkout / "old.py").write_bytes(b"\0\1")
    (checkout / "cart.py").write_text("x" * (LARGEST_COMPARED - 9) + "\n")
    git(checkout, "commit", "--quiet", "--message", "A long line", "cart.py")
    (checkout / "cart.py").write_text("y" * (LARGEST_COMPARED - 9) + "\n")

    found = uncommitted(checkout)

    assert [(file.path, file.diff) for file in found] == [("*.py", ""), (".env", ""), ("cart.py", ""), ("old.py", "")]


@pytest.mark.parametrize("plant", PLANTED)
def test_no_program_that_the_repository_names_is_run(tmp_path: Path, plant: Callable[[Path, Path], None]) -> None:
    root = tmp_path / "shop"
    proof = hostile_repository(root, plant)

    found = {file.path: file.diff for file in uncommitted(root)}

    assert found["a.py"] == "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-1\n+2\n"
    assert not proof.exists()


def test_every_git_is_started_with_all_guards(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So they are the same as for other questions to git."""
    program, log = tmp_path / "bin" / "git", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho \"$*\" >> '{log}'\nexec '{shutil.which('git')}' \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (checkout / "cart.py").write_text("total = 1\n")

    assert uncommitted(checkout)[0].diff

    started = log.read_text().splitlines()
    guarded = f"-C {checkout} -c core.fsmonitor=false -c core.hooksPath=/dev/null "
    assert len(started) >= 2 and all(line.startswith(guarded) for line in started)


def test_a_repository_whose_names_are_longer_has_diffs(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "shop")
    root = repository(tmp_path / "shop", {"cart.py": "1\n"})
    (root / "cart.py").write_text("2\n")

    assert [file.diff.splitlines()[3:] for file in uncommitted(root)] == [["-1", "+2"]]


def test_a_file_in_conflict_and_one_that_became_a_link_have_diffs(checkout: Path) -> None:
    git(checkout, "checkout", "-qb", "other")
    (checkout / "cart.py").write_text("total = 1\n")
    git(checkout, "commit", "-qam", "one")
    git(checkout, "checkout", "-q", "-")
    (checkout / "cart.py").write_text("total = 2\n")
    git(checkout, "commit", "-qam", "two")
    (checkout / "old.py").unlink()
    (checkout / "old.py").symlink_to("cart.py")
    with pytest.raises(subprocess.CalledProcessError):
        git(checkout, "merge", "other")

    found = {file.path: file for file in uncommitted(checkout)}

    assert "+++ b/cart.py\n@@" in found["cart.py"].diff and "\n+total = 1\n" in found["cart.py"].diff
    assert (found["old.py"].new, found["old.py"].diff.splitlines()[3]) == (True, "+cart.py")


def test_without_a_commit_or_a_repository_there_is_nothing_to_differ_from(tmp_path: Path) -> None:
    assert uncommitted(tmp_path) == []
    assert uncommitted(repository(tmp_path / "empty")) == []
