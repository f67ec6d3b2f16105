import math

import matplotlib.pyplot as plt
import pytest

from course_utils.lessons import lesson_09
from course_utils.lessons.lesson_09 import ARMS, MORE_ARMS
from course_utils.lessons.measures_09 import (
    factors,
    logs_of_factors,
    plot_arms,
    stored,
    table,
    tried,
    values,
)
from experiments import tune_09


def test_stored_results():
    """Does the stored file hold every comparison on the command's seeds, none used to build it?"""
    entries = stored()
    assert [entry["seed"] for entry in entries] == list(tune_09.SEEDS)
    assert not set(tune_09.SEEDS) & {*tune_09.CHOOSING, *lesson_09.settings().seeds}
    for entry in entries:
        assert {"before", *ARMS, *MORE_ARMS, "audited", "two rounds"} <= set(entry["arms"])


def test_stored_harbours():
    """Does the stored file hold five splits of real harbours, every arm, and numbers alone?"""
    entries = stored("harbours_09")
    assert [entry["seed"] for entry in entries] == list(tune_09.SPLITS)
    for entry in entries:
        assert set(entry["arms"]) == {"before", *ARMS} and entry["test ships"] > 20


def mean_factor(other):
    logs = logs_of_factors(values(stored(), other), values(stored(), "mined"))
    return 10 ** (sum(logs) / len(logs))


def test_what_the_lesson_says():
    """Does mining have fewer false alarms than before, than random and than contrast images?"""
    assert mean_factor("before") > 2
    assert mean_factor("random") > 1.5
    assert mean_factor("highest contrast") > 1.3
    for entry in stored():
        assert entry["look-alikes among the mined"] > 3 * entry["look-alikes by contrast"]


def test_logs():
    """Are factors formed by seed, and is none of them infinite where nothing was found?"""
    assert logs_of_factors([1.0, 0.5], [0.1, 0.0]) == [1.0, pytest.approx(math.log10(500))]


def test_table():
    """Does each training get a row with its measures, and a row with its factor?"""
    lines = table(stored(), ["before", "mined"]).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["before", "mined", "finding"]
    assert [line.count("±") for line in lines[1:]] == [3, 3, 1]
    assert factors(stored(), ["before"]).startswith("before ")


def test_tried():
    """Is the lesson's setting among those that were tried, on the command's seeds?"""
    entries = stored("choice_09")
    assert [entry["seed"] for entry in entries] == list(tune_09.CHOOSING)
    heading, *lines = tried(entries).splitlines()
    assert all(str(seed) in heading for seed in tune_09.CHOOSING)
    mine = lesson_09.settings()
    words = f"{mine.first_steps} + {mine.more_steps} steps, {mine.second_peak}"
    assert len(lines) == len(tune_09.TRIED) and lines[-1].startswith(words)


def test_plot():
    """Is there a dot a seed and a mean for each training?"""
    fig, ax = plt.subplots()
    plot_arms(ax, {"before": [0.2, 0.4], "mined": [0.1, 0.1]})
    assert [line.get_xdata()[0] for line in ax.lines[1::2]] == pytest.approx([0.3, 0.1])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["before", "mined"]
    plt.close(fig)
