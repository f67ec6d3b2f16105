import matplotlib.pyplot as plt
import pytest

from course_utils.lessons import lesson_09
from course_utils.lessons.arms_09 import ARMS, MORE_ARMS
from course_utils.lessons.results_09 import (
    plot_how_many,
    plot_rounds,
    ratio,
    stored,
    table,
    values,
)
from experiments import tune_09


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_stored_results():
    """Does the stored file hold every comparison on the command's seeds, none used to build it?"""
    entries = stored()
    assert [entry["seed"] for entry in entries] == list(tune_09.SEEDS)
    assert not set(tune_09.SEEDS) & {500, 501, 502, *lesson_09.settings().seeds}
    for entry in entries:
        assert set(entry["arms"]) == {"before", *ARMS, *MORE_ARMS}
        assert set(entry["mined"]) == set(map(str, tune_09.MINED))
    assert ["longer" in entry for entry in entries] == [True] * 3 + [False] * (len(entries) - 3)


def test_bars():
    """Has mining at most half of the false alarms of before, and 1.5 times fewer than random?"""
    assert ratio(stored(), "arms", "before", "mined") >= 2
    assert ratio(stored(), "arms", "random", "mined") >= 1.5


def test_table():
    """Does each training get a row with its measures?"""
    lines = table(stored(), "arms", ["before", "mined"]).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["before", "mined"]
    assert all(line.count("±") == 4 for line in lines[1:])


def test_plots(ax):
    """Are there a line a seed and a mean, and a column a training?"""
    entries = stored()
    plot_how_many(ax, entries, usual=200)
    assert len(ax.lines) == len(entries) + 3
    xs = ax.lines[0].get_xdata().tolist()
    assert xs == sorted(xs) and 200 in xs
    ys = ax.lines[0].get_ydata()
    assert ys[xs.index(200)] == values(entries, "arms", "mined", "false_positives")[0]
    ax.clear()
    plot_rounds(ax, entries)
    assert len(ax.get_xticks()) == 4
