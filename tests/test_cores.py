import os

import pytest

from course_utils import _cores as cores


@pytest.fixture
def eight_cores(tmp_path, monkeypatch):
    """Let the system offer eight cores, and its control groups stand in a folder of the test."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "OWN_CGROUP", tmp_path / "own")
    return tmp_path


def test_machine(eight_cores, monkeypatch):
    """Do the cores of the process count, and one where the system says nothing?"""
    assert cores.usable_cores() == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.usable_cores() == 1


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
    assert cores.usable_cores() == expected
