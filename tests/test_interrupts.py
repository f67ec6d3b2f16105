import signal
import sys
import threading

import pytest
import torch
from small_runs import same
from test_snapshot import Net, disturb, state_of, step

from course_utils import snapshot
from course_utils.interrupts import one_interrupt
from course_utils.snapshot import preserved


def test_once():
    """Is a second Ctrl-C of a block not seen, and one after the block seen again?"""
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), one_interrupt():
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGINT)


def once_interrupted(number):
    """Interrupt a block, and its restoration once more at the call of that number; return both.

    What comes back are the states before and after, and whether the second Ctrl-C was sent.
    """
    torch.manual_seed(0)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    step(model, optimizer)
    before, left = state_of(model, optimizer), number

    def interrupt_again(frame, event, argument):
        nonlocal left
        left -= frame.f_code.co_filename == snapshot.__file__
        if left == 0:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt), preserved(model, optimizer):
            disturb(model, optimizer)
            sys.setprofile(interrupt_again)
            signal.raise_signal(signal.SIGINT)
    finally:
        sys.setprofile(None)
    return before, state_of(model, optimizer), left <= 0


def test_second_interrupt():
    """Is everything put back when Ctrl-C comes once more, at whatever call of the restoration?"""
    usual, number, sent = signal.getsignal(signal.SIGINT), 1, True
    while sent:
        before, after, sent = once_interrupted(number)
        assert same(after, before), number
        assert signal.getsignal(signal.SIGINT) is usual
        number += 1
    assert number > 50


def test_interrupt_of_the_restoration():
    """Is everything put back when the only Ctrl-C comes after a success, and does it still rise?"""

    class Loader:
        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            if not self.interrupted:
                self.interrupted = True
                signal.raise_signal(signal.SIGINT)

        interrupted = False

    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = state_of(model, optimizer)
    with pytest.raises(KeyboardInterrupt), preserved(model, optimizer, loaders=(Loader(),)):
        disturb(model, optimizer)
    assert same(state_of(model, optimizer), before)


def test_in_a_thread():
    """Does the block work outside of the main thread, where no signal handler may be set?"""
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = state_of(model, optimizer)[0]

    def work():
        with preserved(model, optimizer):
            disturb(model, optimizer)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert same(state_of(model, optimizer)[0], before)
