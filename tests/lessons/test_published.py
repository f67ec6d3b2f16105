import json

import pytest

from course_utils.lessons import lesson_04, lesson_05, stored_results
from course_utils.lessons.lesson_04 import published_table
from experiments.reproduce import momentum_experiment


def entry(accuracy):
    return {"accuracy": accuracy, "device": "NVIDIA Test", "date": "2026-01-02"}


def row(table, beginning):
    (line,) = (line for line in table.splitlines() if line.startswith(beginning))
    return line


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Store three seeds of one schedule, and one of another."""
    content = {
        "resnet56-1cycle-50": {f"seed {i}": entry(91 + i) for i in range(3)},
        "resnet56-1cycle-70": {"seed 0": entry(92.04)},
    }
    (tmp_path / "full_size.json").write_text(json.dumps(content))
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    return tmp_path / "full_size.json"


def test_schedules_beside_the_published(path):
    """Do the published figure, the interval of three seeds and a lone run stand side by side?"""
    table = published_table().partition("trained again")[2]
    words = "92.31  92.0 ± 2.5 (3 seeds): fits among single runs"
    assert row(table, "1cycle, 50 epochs").endswith(words)
    assert row(table, "1cycle, 70 epochs").endswith("93.08  92.0")
    assert "NVIDIA Test, 2026-01-02; python -m" in table


@pytest.mark.parametrize("shift, word", [(3, "below"), (-3, "above")])
def test_verdict_on_a_single_run(path, shift, word):
    """Is a published run that no run of ours comes near called so?"""
    runs = {f"seed {i}": entry(92.31 + shift + i / 10) for i in (-1, 0, 1)}
    path.write_text(json.dumps({"resnet56-1cycle-50": runs}))
    assert f": {word} what single runs give" in published_table()


def test_nothing_is_invented(path):
    """Does a schedule that was not measured have no row among those that were?"""
    published_rows, _, ours = published_table().partition("trained again")
    assert "step decay" in published_rows and "step decay" not in ours


def test_stored_file():
    """Does the file beside the lesson hold known experiments only, with plausible accuracies?"""
    names = {experiment for _, _, experiment in lesson_04.PUBLISHED}
    names |= {momentum_experiment(arm) for arm in lesson_05.ARMS}
    stored = stored_results("full_size")
    assert stored.keys() <= names
    accuracies = [run["accuracy"] for runs in stored.values() for run in runs.values()]
    assert all(10 <= accuracy < 100 for accuracy in accuracies)
