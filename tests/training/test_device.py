import io
import random
import re

import numpy as np
import pytest
import torch

from course_utils._validate import shown
from course_utils.training import device


def draw():
    return random.random(), random.gauss(0, 1), np.random.normal(), torch.rand(3).tolist()


def test_same_seed_same_draws():
    """Does one seed repeat Python's, NumPy's and PyTorch's draws, and another one not?"""
    device.set_seed(3)
    first = draw()
    device.set_seed(3)
    assert draw() == first
    device.set_seed(4)
    second = draw()
    assert all(a != b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", True, None])
def test_bad_seed(seed):
    """Does a seed that NumPy would refuse raise a sentence that names it?"""
    with pytest.raises(ValueError, match=f"^seed is {re.escape(shown(seed))}"):
        device.set_seed(seed)


def test_rng_state_round_trip():
    """Are the next draws the same after a round trip through a weights-only file?"""
    device.set_seed(5)
    random.gauss(0, 1), np.random.normal()  # leaves a second value waiting in both generators
    file = io.BytesIO()
    torch.save(device.rng_state(), file)
    expected = draw()
    file.seek(0)
    device.set_rng_state(torch.load(file, weights_only=True))
    assert draw() == expected


def test_pick_device_by_name(monkeypatch):
    """Does the argument come before COURSE_DEVICE?"""
    monkeypatch.setenv("COURSE_DEVICE", "nonsense")
    assert device.pick_device("cpu") == torch.device("cpu")


def test_pick_device_automatically(monkeypatch):
    """Is the best device that this machine has picked when none is named?"""
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.pick_device().type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device.pick_device().type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.pick_device().type == "cuda"


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_pick_missing_device(name):
    """Does a device that is not here raise a sentence that names it and the remedy?"""
    with pytest.raises(ValueError, match=f"'{name}' cannot be used here.*choose 'cpu'"):
        device.pick_device(name)


def test_set_threads(monkeypatch):
    """Does the argument come before OMP_NUM_THREADS, and that before the number of cores?"""
    before = torch.get_num_threads()
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert device.set_threads() == torch.get_num_threads() == 1
        assert device.set_threads(2) == torch.get_num_threads() == 2
        monkeypatch.delenv("OMP_NUM_THREADS")
        assert device.set_threads() == device.usable_cores() >= 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("number", [0, -1, "many"])
def test_bad_threads(number):
    """Does a number of threads that makes no sense raise a sentence that names it?"""
    with pytest.raises(ValueError, match=f"number of threads is {re.escape(shown(number))}"):
        device.set_threads(number)


def test_describe_machine():
    """Does the description name the versions and the device in words?"""
    described = device.describe_machine(torch.device("cpu"))
    assert described["PyTorch"] == torch.__version__
    assert described["device"] == "CPU"
    assert int(described["threads"]) >= 1
