import os
import signal
import stat
import subprocess
import sys

import pytest
from tiny_notebooks import REPOSITORY

from course_utils._files import atomic_write


def test_new_content_replaces_the_old(tmp_path):
    """Does a finished block leave the new content and no temporary file?"""
    path = tmp_path / "folder" / "file.txt"
    for content in (b"old", b"new"):
        with atomic_write(path) as file:
            file.write(content)
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_error_keeps_the_old(tmp_path, error):
    """Does an error in the middle of writing keep the old content and remove the new half?"""
    path = tmp_path / "file.txt"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_words_of_an_error(tmp_path):
    """Does a folder that cannot be made raise one sentence with the path and the reason?"""
    (tmp_path / "file").touch()
    words = r"inside cannot be written \(File exists\) and is as it was: free some space"
    with (
        pytest.raises(OSError, match=words) as caught,
        atomic_write(tmp_path / "file" / "inside") as file,
    ):
        file.write(b"new")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


DIES = """
import os, signal, sys
from course_utils._files import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
"""


@pytest.mark.skipif(os.name != "posix", reason="has no SIGKILL")
def test_leftovers(tmp_path):
    """Clears a write what a killed one left of the same file, and nothing that is being written?"""
    path, other = tmp_path / "run.pt", tmp_path / "run.pt.old"

    def start(path, how):
        command = [sys.executable, "-c", DIES, str(path), how]
        return subprocess.Popen(command, cwd=REPOSITORY)

    for name in (path, other):
        assert start(name, "SIGKILL").wait(timeout=500) == -signal.SIGKILL
    (dead, others) = sorted(tmp_path.iterdir(), key=lambda path: len(path.name))
    stopped = start(path, "SIGSTOP")  # is alive, in the middle of writing
    os.waitid(os.P_PID, stopped.pid, os.WSTOPPED)
    (living,) = set(tmp_path.iterdir()) - {dead, others}
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write(b"first")
        second.write(b"second")
        assert not dead.exists() and others.exists() and living.exists()
    stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(timeout=500) == 0
    assert set(tmp_path.iterdir()) == {path, others} and path.read_bytes() == b"half"


@pytest.mark.skipif(os.name != "posix", reason="has no such files")
def test_what_is_no_file(tmp_path):
    """Is a link followed, though it points to nothing yet, and a pipe or a ring left as it is?"""
    link, ring, pipe = (tmp_path / name for name in ("link", "ring", "pipe"))
    link.symlink_to(tmp_path / "folder" / "file")
    ring.symlink_to(ring)
    os.mkfifo(pipe)
    for content in (b"old", b"new"):
        with atomic_write(link) as file:
            file.write(content)
    assert link.is_symlink() and (tmp_path / "folder" / "file").read_bytes() == b"new"
    for path in (ring, pipe):
        with pytest.raises(OSError, match="it is no regular file"), atomic_write(path) as file:
            file.write(b"new")
    assert ring.is_symlink() and stat.S_ISFIFO(pipe.stat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "link", "pipe", "ring"}


@pytest.mark.skipif(os.name != "posix", reason="has other rights")
def test_rights(tmp_path):
    """Has a new file the rights that any has here, for others to read, and an old one its own?"""
    usual, written = tmp_path / "usual", tmp_path / "written"
    usual.touch()
    with atomic_write(written) as file:
        file.write(b"x")
    assert written.stat().st_mode == usual.stat().st_mode
    written.chmod(0o600)
    with atomic_write(written) as file:
        file.write(b"y")
    assert written.stat().st_mode & 0o777 == 0o600 and written.read_bytes() == b"y"
