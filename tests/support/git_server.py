"""A git remote that is reached over ssh, without a server: the program in ssh's place runs git here."""

from pathlib import Path

from support.repository import git
from support.tools import program


def remote_at(folder: Path) -> tuple[str, dict[str, str]]:
    """Makes an empty repository at `folder`. Returns its address, and the environment in which git reaches it."""
    git(folder.parent, "init", "--quiet", "--bare", folder.name)
    ssh = folder.parent / "ssh"
    program(ssh, "for last; do :; done", 'exec sh -c "$last"')
    return f"ssh://host{folder}", {"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "ssh"}
