import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils.data.device_loader import DeviceLoader
from course_utils.lessons import lesson_05
from course_utils.lessons.lesson_05 import (
    ARMS,
    arms_table,
    best_peak,
    chosen_peaks,
    mean_effective_lr,
    plot_peaks,
)
from experiments import tune_05

CPU = torch.device("cpu")


@pytest.fixture
def smoke(monkeypatch, tmp_path):
    """Settings of a few steps, on generated images."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    return lesson_05.settings()


def accuracy(settings, **changed):
    train, _, test = settings.load()
    arguments = {"arm": "cyclical", "peak": 0.1, "seed": 0, "device": CPU, **changed}
    return settings.accuracy(train, DeviceLoader(test, batch_size=40, device=CPU), **arguments)


def test_momenta_of_the_source_text():
    """Does the cycle run .95 -> .85 -> .95, against its reverse and three constants?"""
    assert ARMS["cyclical"] == (0.95, 0.85) and ARMS["reversed"] == (0.85, 0.95)
    constants = {arm: pair for arm, pair in ARMS.items() if arm.startswith("constant")}
    assert list(constants.values()) == [(0.85, 0.85), (0.9, 0.9), (0.95, 0.95)]
    assert all(pair[0] == float(arm.split()[1]) for arm, pair in constants.items())


def test_arm_and_peak_reach_the_schedule(smoke, monkeypatch):
    """Is a model trained in one cycle with the arm's momenta, the peak and all its steps?"""
    seen = []

    def noting(optimizer, max_lr, steps, **settings):
        seen.append((max_lr, steps, settings))

    monkeypatch.setattr(lesson_05, "OneCycle", noting)
    accuracy(smoke, arm="reversed", peak=0.2)
    assert seen == [(0.2, 4, {"momentum": (0.85, 0.95)})]


def test_accuracy_is_repeatable(smoke):
    """Does one seed give the same accuracy twice, in percent of the 40 images?"""
    first, second = accuracy(smoke), accuracy(smoke)
    assert first == second and 0 <= first <= 100
    assert first / 2.5 == pytest.approx(round(first / 2.5))


def test_best_peak():
    """Does the mean over the seeds decide, not the luckiest seed?"""
    assert best_peak({0.1: [80, 81], 0.2: [70, 90], 0.4: [10, 85]}) == 0.1


@pytest.mark.parametrize(
    "arm, mean", [("constant 0.90", 4.81), ("constant 0.95", 9.62), ("reversed", 6.02)]
)
def test_mean_effective_lr(arm, mean):
    """Is it the mean LR over 1 - m for a constant, and does it grow with the peak?"""
    assert mean_effective_lr(arm, 1.0) == pytest.approx(mean, abs=0.01)
    assert mean_effective_lr(arm, 0.5) == pytest.approx(mean / 2, abs=0.01)


@pytest.mark.parametrize("net", tune_05.NETS)
def test_stored_result_is_whole(net):
    """Has the stored file every arm, with its best peak inside the grid and all its seeds?"""
    _, peaks, number = tune_05.NETS[net]
    stored = lesson_05.stored(net)
    assert list(stored) == list(ARMS)
    for entry in stored.values():
        assert [float(peak) for peak in entry["validation"]] == list(peaks)
        assert peaks[0] < entry["peak"] < peaks[-1]
        assert entry["peak"] == float(best_peak(entry["validation"]))
        assert len(entry["test"]) == number


def test_chosen_peaks(smoke, monkeypatch):
    """Are peaks taken from the stored file, and elsewhere of one mean effective LR?"""
    peaks = chosen_peaks(smoke)
    assert peaks["constant 0.90"] == pytest.approx(smoke.peaks[1])
    effective = [mean_effective_lr(arm, peak) for arm, peak in peaks.items()]
    assert list(peaks) == list(ARMS) and np.ptp(effective) < 1e-9
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    stored = lesson_05.stored("simple_net")
    assert chosen_peaks(lesson_05.settings()) == {arm: stored[arm]["peak"] for arm in ARMS}


def test_arms_table():
    """Does a row give peak, effective LR, accuracy and the lead, whose seeds are paired?"""
    accuracy = {"cyclical": [80, 85, 90], "constant 0.90": [78, 83, 88]}
    rows = arms_table({"cyclical": 0.2, "constant 0.90": 0.1}, accuracy).splitlines()
    assert rows[1].split()[:2] == ["cyclical", "0.2"] and rows[1].endswith("85 ± 12")
    assert " ".join(rows[2].split()) == "constant 0.90 0.1 0.48 83 ± 12 2.00 ± 0.00"


def test_plot_peaks():
    """Are the same means drawn over the peak and over the effective LR, and no bar far below?"""
    validation = {"0.1": [80.0, 82.0], "0.2": [84.0, 86.0], "0.4": [10.0, 50.0]}
    fig, axes = plt.subplots(1, 2, sharey=True)
    plot_peaks(axes, {"constant 0.90": {"validation": validation}})
    for ax, factor in zip(axes, (1, mean_effective_lr("constant 0.90", 1.0)), strict=True):
        line = ax.get_lines()[0]
        np.testing.assert_allclose(line.get_xdata(), factor * np.array([0.1, 0.2, 0.4]))
        assert list(line.get_ydata()) == [81, 85, 30]
        assert len(ax.containers) == 2
    plt.close(fig)
