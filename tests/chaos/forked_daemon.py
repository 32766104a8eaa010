"""Daemons with a clock that can be moved, forked from a process that has loaded the program once."""

from __future__ import annotations

import os
import sys
import time
from typing import Self

from chaos import skewed_daemon
from support.daemon_process import DaemonProcess
from support.forked import CARRYOVERD, Nursery, fork, main


class ForkedDaemon(DaemonProcess):
    """A daemon that a nursery forks."""

    def __init__(self, nursery: Nursery, env: dict[str, str]) -> None:
        super().__init__(env=env)
        self._nursery = nursery

    def start(self, *_arguments: str) -> Self:
        nowhere = os.open(os.devnull, os.O_RDWR)
        self._process = fork(self._nursery, CARRYOVERD, self.env, (nowhere,) * 3)
        os.close(nowhere)
        return self


if __name__ == "__main__":
    time.time = skewed_daemon.skewed
    sys.exit(main(int(sys.argv[1])))
