"""Sending without delay.

Streamlit binds its socket in a way for which asyncio does not switch off Nagle's algorithm. A response is written in
two parts, its head and its body, and the second one then waits for the browser's acknowledgement of the first, 40 ms on
Linux: for each of the seventy files of a first visit, and for the messages of each redraw.

Tested in tests/ui/server/test_nodelay.py.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

_DESCRIPTORS = Path("/dev/fd")


def send_without_delay() -> int:
    """Switch off Nagle's algorithm for connections to the process's listening sockets; return their number."""
    try:
        descriptors = [int(file.name) for file in _DESCRIPTORS.iterdir()]
    except OSError:  # a machine that does not list them; the server is slower, and starts
        return 0
    return sum(_switch_off(descriptor) for descriptor in descriptors)


def _switch_off(descriptor: int) -> bool:
    """Switch it off for a listening socket of TCP, whose connections inherit that."""
    with suppress(OSError):  # a descriptor that has been closed meanwhile, or a socket of another kind
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            with socket.socket(fileno=os.dup(descriptor)) as found:
                if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return True
    return False
