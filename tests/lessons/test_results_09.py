import json

import matplotlib.pyplot as plt
import pytest
import torch

from course_utils.lessons import lesson_09
from course_utils.lessons.arms_09 import ARMS, MORE_ARMS, Arms
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


def test_command(monkeypatch, tmp_path):
    """Does the command run every comparison, keep the seeds it has, and add the missing ones?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    path = tmp_path / "tune_09.json"
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    monkeypatch.setattr(tune_09, "STORED", tmp_path)
    monkeypatch.setattr(tune_09, "MINED", (2, 4))
    tune_09.main(["--seeds", "1"])
    first = json.loads(path.read_text())["seeds"]
    monkeypatch.setattr(tune_09, "run_seed", lambda lesson, seed, device: first[0] | {"seed": seed})
    tune_09.main(["--seeds", "1", "2"])
    both = stored()
    assert [entry["seed"] for entry in both] == [1, 2] and both[0] == first[0]
    assert set(both[0]["unlabelled"]) == {
        "ships in the pool",
        "ships among the mined",
        "as mined",
        "audited",
    }
    assert "longer" not in both[0]  # no seed of the lesson's command
    assert both[0]["mined"].keys() == {"2", "4"} and len(both[0]["rounds"]) == 2


def test_longer(monkeypatch, tmp_path):
    """Has each training of the patient arms four times as many steps?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    steps = []
    monkeypatch.setattr(
        lesson_09, "fit", lambda model, optimizer, batches, *_, **__: steps.append(len(batches))
    )
    lesson = lesson_09.settings()
    measured = tune_09.longer(Arms(lesson, 0, torch.device("cpu")))
    assert list(measured) == ["before", *tune_09.LONGER_ARMS]
    first, more = 4 * lesson.first_steps, 4 * lesson.more_steps
    assert steps == [first, more, first + more, first + more]


def test_missing_file(monkeypatch, tmp_path):
    """Does a missing file raise a sentence with the command that makes it?"""
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    with pytest.raises(FileNotFoundError, match="tune_09"):
        stored()
