import json
import shutil
import sys

import odd_machines
import pytest
from odd_machines import MACHINES, run_on
from tiny_notebooks import REPOSITORY

CAN_RUN = sys.platform == "linux" and shutil.which("unshare") and (REPOSITORY / ".git").exists()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_RUN, reason="needs Linux and a repository to clone"),
]
PROBE = """
import json, os, socket, sys, tempfile

def may_write(folder):
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True

seen = {
    "path": os.getcwd(),
    "mode": os.stat("..").st_mode & 0o777,
    "cores": len(os.sched_getaffinity(0)),
    "locale": os.environ.get("LC_ALL"),
    "home": may_write(os.path.expanduser("~")),
    "tmp": os.stat(tempfile.gettempdir()).st_dev == os.stat("/dev/shm").st_dev,
    "network": {name for _, name in socket.if_nameindex()} != {"lo"},
}
server = socket.create_server(("127.0.0.1", 0))  # as a kernel
socket.create_connection(server.getsockname()).close()
import course_utils
assert course_utils.__file__.startswith(os.getcwd())
with open(sys.argv[1], "w") as file:
    json.dump(seen, file)
"""
ODD = {
    "closed-folder": lambda seen: seen["mode"] == 0o700,
    "one-core": lambda seen: seen["cores"] == 1,
    "odd-path": lambda seen: seen["path"].endswith("/ein Kürs/x y"),
    "locale-c": lambda seen: seen["locale"] == "C",
    "read-only-home": lambda seen: not seen["home"],
    "other-tmp": lambda seen: seen["tmp"],
    "no-network": lambda seen: not seen["network"],
}


def test_each_is_looked_at():
    """Is every machine but the busy one told by what a process on it sees?"""
    assert ODD.keys() == MACHINES.keys() - {"busy"}


@pytest.mark.parametrize("name", ODD)
def test_odd(name, tmp_path):
    """Does a process on the machine see what is odd, in a clone of the course, and the rest not?"""
    file = tmp_path / "seen.json"
    status = run_on(MACHINES[name], [sys.executable, "-c", PROBE, str(file)])
    if status is None:
        pytest.skip("not allowed here")
    assert status == 0
    assert ODD[name](json.loads(file.read_text(encoding="utf-8")))


def test_report(monkeypatch, capfd):
    """Does a failure on one machine make the exit status 1, and is what may not be told apart?"""
    monkeypatch.setattr(odd_machines, "run_on", lambda machine, command: machine)
    monkeypatch.setattr(odd_machines, "MACHINES", {"good": 0, "bad": 2, "refused": None})
    assert odd_machines.main([]) == 1
    printed = capfd.readouterr().out
    assert "good            green" in printed and "bad             FAILED" in printed
    assert "refused         skipped" in printed
    assert odd_machines.main(["--on", "good", "--on", "refused", "tests/lr"]) == 0


def test_busy():
    """Are there as many busy processes as asked for, and none after the block?"""
    with odd_machines.busy_loops(2) as loops:
        assert [loop.poll() for loop in loops] == [None, None]
    assert None not in [loop.poll() for loop in loops]
