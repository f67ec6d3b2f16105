import os
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


@pytest.fixture
def eight_cores(tmp_path, monkeypatch):
    """Let the system offer eight cores, and its control groups stand in a folder of the test."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(device, "CGROUPS", tmp_path)
    monkeypatch.setattr(device, "OWN_CGROUP", tmp_path / "own")
    return tmp_path


def test_machine(eight_cores, monkeypatch):
    """Do the cores of the process count, and one where the system says nothing?"""
    assert device.usable_cores() == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert device.usable_cores() == 1


@pytest.mark.parametrize(
    "own, quotas, expected",
    [
        ("0::/\n", {".": "max 100000\n"}, 8),
        ("0::/\n", {".": "250000 100000\n"}, 2),
        ("0::/\n", {".": "50000 100000\n"}, 1),
        ("0::/\n", {".": "3200000 100000\n"}, 8),
        ("4:cpu:/x\n0::/hub/ann\n", {"hub/ann": "max 100000\n", "hub": "300000 100000\n"}, 3),
        # A container without a name space of its own: the path is the machine's.
        ("0::/docker/f00\n", {".": "200000 100000\n"}, 2),
        ("4:cpu:/x\n", {}, 8),
    ],
)
def test_quota(eight_cores, own, quotas, expected):
    """Does a quota of CPU time count as whole cores, that of a group around the own one too?"""
    (eight_cores / "own").write_text(own)
    for folder, text in quotas.items():
        (eight_cores / folder).mkdir(parents=True, exist_ok=True)
        (eight_cores / folder / "cpu.max").write_text(text)
    assert device.usable_cores() == expected
