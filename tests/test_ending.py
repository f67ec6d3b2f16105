import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed as dist

from course_utils.ending import Ending, is_of_lost_rank, sentence

GLOO = "[pair.cc:547] third_party/gloo: Connection closed by peer [127.0.0.1]:1234"

# A rank that waits for ever, after it has ended a process of its own in the usual way.
WAITING = """
import os, signal, time
import torch.distributed as dist
from course_utils.ending import Ending

with Ending(dist.HashStore(), 0, 3):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b".")
    while not child:
        time.sleep(1)
    os.read(reader, 1)
    os.kill(child, signal.SIGTERM)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
    while True:
        time.sleep(1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_told_to_stop():
    """Does SIGTERM end a rank that waits, with one sentence, but not when a child gets it?"""
    root = str(Path(__file__).parent.parent)
    settings = {"env": os.environ | {"PYTHONPATH": root}, "text": True}
    command = [sys.executable, "-c", WAITING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings) as p:
        assert p.stdout.readline() == "15\n"  # the signal that ended the child
        p.send_signal(signal.SIGTERM)
        _, printed = p.communicate(timeout=30)
    assert printed == sentence(0, [1, 2], "") + "\n"
    assert p.returncode == 1


def test_nothing_stays():
    """Is the handling of signals as before after the block, and an error of its own let through?"""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="out of memory"), Ending(dist.HashStore(), 0, 2):
        assert signal.getsignal(signal.SIGTERM) is not before
        raise RuntimeError("out of memory")
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("living", [[], [2], [1, 2]])
def test_lost_ranks(living):
    """Are the ranks named that do not report, and none that does?"""
    store = dist.HashStore()
    for number in living:
        store.set(f"ending {number}", "")
    with Ending(store, 0, 3) as ending:
        assert ending._lost_ranks() == [number for number in (1, 2) if number not in living]
    assert store.check(["ending 0"])


@pytest.mark.parametrize(
    "error, lost",
    [
        (RuntimeError(GLOO), True),
        (dist.DistBackendError("NCCL error: remote process exited"), True),
        (RuntimeError("shapes cannot be multiplied"), False),
        (ValueError("gloo"), False),
        (None, False),
    ],
)
def test_errors_of_lost_ranks(error, lost):
    """Is the error that a dead rank causes told from the errors that a rank makes itself?"""
    assert is_of_lost_rank(error) is lost


@pytest.mark.parametrize(
    "lost, words",
    [
        (
            [],
            "Rank 3 ends, since it was told to: run the same command again; with a checkpoint, it",
        ),
        ([1], "Rank 3 ends, since rank 1 has ended or hangs: run"),
        ([0, 2], "Rank 3 ends, since rank 0, 2 has ended or hangs: run"),
    ],
)
def test_sentence(lost, words):
    """Does the sentence name what was lost, or else the reason, and say what to do?"""
    assert sentence(3, lost, "it was told to").startswith(words)
