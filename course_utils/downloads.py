"""Downloads that end in time, whatever the network does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

ANSWER_WITHIN = 30  # seconds: behind a firewall that drops packets, the system waits for minutes
# What torchvision's downloads raise: no network, a wrong checksum, an answer that is no HTTP.
FAILURES = (OSError, RuntimeError, HTTPException)


@contextmanager
def no_long_waits() -> Iterator[None]:
    """Let new connections of the block fail when nothing comes for 30 seconds."""
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(ANSWER_WITHIN)
    try:
        yield
    finally:
        socket.setdefaulttimeout(timeout)
