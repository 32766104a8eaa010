"""Has tests, and the programs that they start, take this machine for a Mac: `pytest --as-darwin`.

What is the same as there: the calls of `carryover.platform` are answered as `support.platforms.fake_darwin` does, so
nothing comes from /proc; settings and data of programs are in ~/Library; a process may have 256 descriptors open; a
daemon has launchd's PATH. A program that a test starts with variables of its own, without
PYTHONPATH, is not changed.
"""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NAME: Final = "CARRYOVER_TESTS_AS_DARWIN"
"""The variable by which programs that tests start know of it: `1`, or `without git`."""
LAUNCHD_PATH: Final = "/usr/bin:/bin:/usr/sbin:/sbin"
"""What launchd gives the programs that it starts."""
_path = ""
"""The PATH with which the tests began, on what is to be a Mac."""
_DESCRIPTORS: Final = 256
_SITE: Final = Path(__file__).with_name("as_darwin_site")
"""Python looks for `sitecustomize` there, in each program that is started."""


def begin(*, with_git: bool) -> None:
    """Changes this process, and all that inherit its environment. A test itself may open what it needs."""
    global _path
    _path = os.environ["PATH"]
    inherited = os.environ.get("PYTHONPATH")
    folders = [str(_SITE), str(_SITE.parents[1]), *([inherited] if inherited else [])]
    os.environ.update({NAME: "1" if with_git else "without git", "PYTHONPATH": os.pathsep.join(folders)})
    _become()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a process of xdist was started as any other


def become() -> None:
    """Changes this process, which a test has started, as its environment says."""
    _become()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))


def _become() -> None:
    import platformdirs
    from platformdirs.macos import MacOS

    from carryover.platform import choose
    from carryover.platform.linux import Linux
    from support.platforms import altered, fake_darwin

    choose(fake_darwin(tools=("/",) if os.environ[NAME] == "1" else ()))
    choose(altered(born_ns=Linux().born_ns))  # `os.stat` says it there
    setattr(platform, "mac_ver", lambda: ("26.0", ("", "", ""), "arm64"))  # noqa: B010
    setattr(platformdirs, "PlatformDirs", MacOS)  # noqa: B010


def for_daemon(env: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment that launchd has for a daemon, if this is to be a Mac and the test has no PATH of its
    own."""
    return {**env, "PATH": LAUNCHD_PATH} if env.get("PATH") == _path else dict(env)
