import signal
import sys
import threading

import pytest
import torch
from busy_net import Net, disturb, state_of, step
from small_runs import same
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from course_utils.training import preserve_state as snapshot
from course_utils.training.preserve_state import eval_mode, one_interrupt, preserved

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
}


@pytest.fixture(autouse=True)
def ctrl_c():
    """Let Ctrl-C interrupt, which a shell's background job ignores."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("error", [None, RuntimeError("model"), KeyboardInterrupt()])
def test_everything_comes_back(name, steps_before, error):
    """Is the state bit-equal after success, an exception and Ctrl-C, before and in training?"""
    torch.manual_seed(0)
    model = Net()
    optimizer = OPTIMIZERS[name](model.parameters())
    for _ in range(steps_before):
        step(model, optimizer)
    before = state_of(model, optimizer)
    if error is None:
        with preserved(model, optimizer):
            disturb(model, optimizer)
            assert not same(state_of(model, optimizer), before)
    else:
        with pytest.raises(type(error)), preserved(model, optimizer):
            disturb(model, optimizer)
            raise error
    assert same(state_of(model, optimizer), before)


def test_tensors_keep_their_identity():
    """Do references to parameters, buffers and a tensor learning rate stay valid?"""
    model = Net()
    rate = torch.tensor(0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, capturable=False, foreach=False)
    kept = [*model.parameters(), *model.buffers()]
    with preserved(model, optimizer):
        rate.fill_(5.0)
        step(model, optimizer)
    assert all(a is b for a, b in zip(kept, [*model.parameters(), *model.buffers()], strict=True))
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate == torch.tensor(0.1)


def test_scaler():
    """Does the gradient scaler get back its scale and its growth counter?"""
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale(torch.ones(()))  # the scale exists from the first use on
    before = scaler.state_dict()
    with preserved(model, optimizer, scaler=scaler):
        scaler.scale(model(torch.full((1, 2), float("inf"))).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert scaler.get_scale() == 4.0
    assert scaler.state_dict() == before


@pytest.mark.parametrize("own", ["loader", "sampler", "global"])
def test_loader_order(own):
    """Does a DataLoader shuffle next as it would have, whoever owns its generator?"""
    data, generator = TensorDataset(torch.arange(20)), torch.Generator().manual_seed(1)
    loader = {
        "loader": lambda: DataLoader(data, shuffle=True, generator=generator),
        "sampler": lambda: DataLoader(data, sampler=RandomSampler(data, generator=generator)),
        "global": lambda: DataLoader(data, shuffle=True),
    }[own]()
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def orders():
        return [int(batch) for _ in range(2) for (batch,) in loader]

    torch.manual_seed(0)
    expected = orders()
    torch.manual_seed(0)
    generator.manual_seed(1)
    with preserved(model, optimizer, loaders=(loader,)):
        orders()
    assert orders() == expected


def test_eval_mode():
    """Is the model in evaluation mode inside, and each module in its own after an error?"""
    model = Net()
    modes = [m.training for m in model.modules()]
    with pytest.raises(RuntimeError), eval_mode(model):
        assert not any(m.training for m in model.modules())
        raise RuntimeError
    assert [m.training for m in model.modules()] == modes
    assert any(modes) and not all(modes)


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
            try:
                signal.raise_signal(signal.SIGINT)
            finally:  # not before: Python 3.10 would see the signal in the function set here
                sys.setprofile(interrupt_again)
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
