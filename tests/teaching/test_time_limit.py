import _thread
import subprocess
import sys
import threading
import time

import pytest
from tiny_notebooks import REPOSITORY

from course_utils.teaching.time_limit import run_with_limit


def test_result():
    """Comes the result of code that is in time back?"""
    assert run_with_limit(lambda: 3, seconds=5) == 3


@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3), KeyboardInterrupt()])
def test_error(error):
    """Is an error of the code raised as it is, one that would end the program included?"""

    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        run_with_limit(fail, seconds=5)
    assert caught.value is error


def loop_forever():
    while True:
        pass


def loop_and_swallow_exceptions():
    while True:
        try:  # noqa: SIM105 (as learners write it)
            loop_forever()
        except Exception:
            pass


def loop_and_swallow_all():
    number = 0
    while True:
        try:  # noqa: SIM105
            number += 1
        except:  # noqa: E722
            pass


def loop_and_swallow_all_of_a_long_call():
    while True:
        try:  # noqa: SIM105
            sum(range(100_000))
        except:  # noqa: E722
            pass


def return_after_all():
    try:
        loop_forever()
    except BaseException:
        return "a result that comes too late"


def _threads_left(before):
    """Count the threads beyond `before`, after a moment for those that are just ending."""
    end = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    return max(threading.active_count() - before, 0)


# Python 3.10 gives no other thread, and no Ctrl-C, a turn in a loop that begins with `try`.
NOT_ON_3_10 = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 hangs in it")


@pytest.mark.parametrize(
    "endless",
    [
        loop_forever,
        loop_and_swallow_exceptions,
        pytest.param(loop_and_swallow_all, marks=NOT_ON_3_10),
        loop_and_swallow_all_of_a_long_call,
        return_after_all,
    ],
)
def test_endless_loop(endless):
    """Does endless code end in a TimeoutError, and does no thread of it run on?"""
    before, trace = threading.active_count(), sys.gettrace()
    with pytest.raises(TimeoutError, match=r"did not end within 0.1 seconds\.$"):
        run_with_limit(endless, seconds=0.1)
    assert _threads_left(before) == 0
    assert sys.gettrace() is trace


STUCK = """
import threading
from course_utils.teaching.time_limit import run_with_limit
lock = threading.Lock()
lock.acquire()
try:
    run_with_limit(lock.acquire, seconds=0.1)
except TimeoutError as error:
    print(error)
"""


@pytest.mark.slow
def test_code_that_cannot_be_stopped():
    """Does the caller go on, and learn to restart, where the code waits outside Python?"""
    # In a process of its own: under coverage, Python 3.11 itself hangs on the waiting exception.
    command, root = [sys.executable, "-c", STUCK], REPOSITORY
    run = subprocess.run(command, cwd=root, timeout=300, capture_output=True, text=True, check=True)
    words = "not end within 0.1 seconds and could not be stopped: restart the kernel."
    assert (run.stdout, run.stderr) == (f"The function did {words}\n", "")


def test_ctrl_c_stops_the_code():
    """Does Ctrl-C while waiting reach the caller at once and end the code?"""
    before, start = threading.active_count(), time.monotonic()
    threading.Timer(0.2, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        run_with_limit(loop_forever, seconds=300)
    assert time.monotonic() - start < 100
    assert _threads_left(before) == 0
