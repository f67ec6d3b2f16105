import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.lessons import lesson_02, stored_results


def test_curve_over_accuracy():
    """Are every sweep and every accuracy drawn, with the stored picks in both panels?"""
    fig, axes = plt.subplots(2, 1, sharex=True)
    stored = lesson_02.plot_curve_over_accuracy(axes)
    assert stored == stored_results("tune_02")
    sweeps, picks = len(stored["losses"]), len(lesson_02.LABELS)
    assert [len(ax.lines) for ax in axes] == [sweeps + picks, sweeps + 1 + picks]
    means = [np.mean(values) for values in stored["accuracy"].values()]
    assert list(axes[1].lines[sweeps].get_ydata()) == pytest.approx(means)
    drawn = [line.get_xdata()[0] for line in axes[1].lines[-picks:]]
    assert drawn == [np.median(stored["picks"][rule]) for rule in lesson_02.LABELS]
    plt.close(fig)


def test_stored_regret():
    """Does the stored regret hold each rule of the figure, for every task of both halves?"""
    lost = stored_results("regret")["points lost"]
    for rule in ("suggestion", "minimum without delay", "a tenth of the minimum", "steepest"):
        for mode in ("constant", "cycle"):
            assert [len(lost[rule][mode][half]) for half in ("choose", "confirm")] == [27, 18]
