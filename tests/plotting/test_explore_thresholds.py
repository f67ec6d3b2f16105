import matplotlib.pyplot as plt
import pytest
import torch
from widget_moves import take_apart

from course_utils.detection import PrecisionRecallCurve, threshold_at_recall
from course_utils.plotting.explore_thresholds import (
    explore_thresholds,
    operating_point,
    plot_points,
    prepare_axes,
)


def make(*, skill, found=1.0, seed=0):
    """Make up a detector's curve: 150 objects on 200 images, higher scores on them by `skill`."""
    generator = torch.Generator().manual_seed(seed)
    hits = (torch.arange(600) < 150 * found).double()
    scores = torch.sigmoid(torch.randn(600, generator=generator).double() + skill * hits - 1)
    scores, order = scores.sort(descending=True)
    true, count = hits[order].cumsum(0), torch.arange(1, 601)
    return PrecisionRecallCurve(scores, true / 150, true / count, (count - true) / 200)


EMPTY = PrecisionRecallCurve(*[torch.zeros(0, dtype=torch.float64)] * 4)
CURVES = {
    "ships only": make(skill=1),
    "hard negatives": make(skill=3.5, seed=1),
    "blind to some": make(skill=2.5, seed=2, found=0.8),
    "finds nothing": EMPTY,
}


@pytest.fixture
def axes():
    fig, axes = plt.subplots(1, 3)
    yield prepare_axes(axes, CURVES)
    plt.close(fig)


@pytest.mark.parametrize("recall", [0.01, 0.5, 0.9, 1.0])
def test_point_is_that_of_the_metrics(recall):
    """Is the threshold that of `threshold_at_recall`, and all the rest of one point?"""
    curve = CURVES["ships only"]
    threshold, reached, precision, wrong = operating_point(curve, recall)
    assert threshold == threshold_at_recall(curve, recall) and reached >= recall
    true = 150 * reached
    assert precision == pytest.approx(true / (true + 200 * wrong))


@pytest.mark.parametrize("name", ["blind to some", "finds nothing"])
def test_recall_that_is_never_reached(name):
    """Is there no point where the recall is never reached?"""
    assert operating_point(CURVES[name], 0.9) is None


def test_best_recall_is_reached():
    """Is the last point of a curve found?"""
    assert operating_point(CURVES["blind to some"], 0.8)[1] == 0.8


def test_plot(axes):
    """Is each detector marked on both curves in its colour, with its numbers below?"""
    names = ["ships only", "hard negatives"]
    curve_lines = {line.get_label(): line for line in axes[0].get_lines()}
    assert plot_points(axes, CURVES, recall=0.9) is axes
    for ax, place in zip(axes[:2], (2, 3), strict=True):
        dots = [line for line in ax.get_lines() if line.get_marker() == "o"]
        assert len(dots) == len(names)
        for dot, name in zip(dots, names, strict=True):
            point = operating_point(CURVES[name], 0.9)
            assert dot.get_xydata().tolist() == [[point[1], point[place]]]
            assert dot.get_color() == curve_lines[name].get_color()
    still, moving = (text.get_text().splitlines() for text in axes[2].texts)
    assert [*still[1:]] == list(CURVES) and len(moving) == len(still)
    threshold, _, precision, _ = operating_point(CURVES["hard negatives"], 0.9)
    assert moving[2].split()[:2] == [f"{threshold:.3f}", f"{100 * precision:.0f}"]
    assert "never reaches" in moving[3] and "never reaches" in moving[4]
    assert "0.90" in axes[0].get_title()


def test_numbers_stand_under_their_headings(axes):
    """Ends each number where its heading ends?"""
    plot_points(axes, CURVES, recall=0.9)
    still, moving = (text.get_text().splitlines() for text in axes[2].texts)
    assert moving[1].rindex("%") == still[0].index("precision") + len("precision") - 1
    assert len(moving[1]) == len(still[0])


def test_widget(monkeypatch):
    """Does the slider for the recall move the points, fast enough to follow a hand?"""
    parts = take_apart(monkeypatch, explore_thresholds, CURVES)
    assert parts.start == {"recall": 0.7}
    assert len({parts.draw(**move) for move in [parts.start, *parts.moves()]}) == 3
    assert parts.milliseconds_a_move() < 100


def test_widget_without_false_positives(monkeypatch):
    """Can a perfect detector be drawn, which has no false positive at all?"""
    perfect = PrecisionRecallCurve(
        *(torch.tensor(v, dtype=torch.float64) for v in ([0.9, 0.8], [0.5, 1], [1, 1], [0, 0]))
    )
    assert take_apart(monkeypatch, explore_thresholds, {"perfect": perfect}).draw(recall=0.9)
