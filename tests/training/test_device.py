import re

import pytest
import torch

from course_utils._validate import shown
from course_utils.training import device


def test_pick_device_by_name(monkeypatch):
    """Does the argument come before COURSE_DEVICE?"""
    monkeypatch.setenv("COURSE_DEVICE", "nonsense")
    assert device.pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("setting", [{}, {"COURSE_DEVICE": ""}])
def test_pick_device_automatically(monkeypatch, setting):
    """Is the best device that this machine has picked when none is named, or an empty one?"""
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
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
