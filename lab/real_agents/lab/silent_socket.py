"""A stand-in for a daemon in trouble: `python -m real_agents.lab.silent_socket PATH hanging|jammed|half-started`.

hanging: it takes every connection and answers none. jammed: it takes no connection; the first one waits, and no other
finds room. half-started: the socket's file is there and nobody listens. Prints "ready" when that is so.
"""

import signal
import socket
import sys


def main(path: str, trouble: str) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    if trouble == "half-started":
        listener.close()
    else:
        listener.listen(0)
    print("ready", flush=True)
    taken: list[socket.socket] = []
    while trouble == "hanging":
        taken.append(listener.accept()[0])
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
