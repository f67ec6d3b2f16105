import socket
import time
from urllib.request import urlopen

import pytest

from course_utils import downloads
from course_utils.downloads import FAILURES, no_long_waits


def test_silent_server(monkeypatch):
    """Does a server that never answers raise in time?"""
    monkeypatch.setattr(downloads, "ANSWER_WITHIN", 0.2)
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(FAILURES, match="timed out"), no_long_waits():
            urlopen(f"http://127.0.0.1:{silent.getsockname()[1]}/x")
    assert time.monotonic() - start < 10


def test_put_back():
    """Is the waiting time of other connections as before, after an error as well?"""
    with pytest.raises(KeyError), no_long_waits():
        assert socket.getdefaulttimeout() == downloads.ANSWER_WITHIN
        raise KeyError
    assert socket.getdefaulttimeout() is None
