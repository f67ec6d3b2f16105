import json

import pytest

from course_utils.lessons import published, stored_results
from course_utils.lessons.lesson_04 import Run
from course_utils.lessons.published import NOT_YET, momentum_table, schedule_table


def entry(accuracy):
    return {"accuracy": accuracy, "device": "NVIDIA Test", "date": "2026-01-02"}


def row(table, beginning):
    (line,) = (line for line in table.splitlines() if line.startswith(beginning))
    return line


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Store three seeds of one schedule, one of another, and a sweep with its tests."""
    momentum = {f"validation, peak {peak}, seed 0": entry(90) for peak in (0.1, 0.2)}
    momentum |= {f"test, peak 0.2, seed {seed}": entry(80 + seed) for seed in (10, 11, 12)}
    momentum["test, peak 0.1, seed 10"] = entry(10)  # of a choice made with fewer seeds
    content = {
        "resnet56-1cycle-50": {f"seed {i}": entry(91 + i) for i in range(3)},
        "resnet56-1cycle-70": {"seed 0": entry(92.04)},
        "resnet20-momentum-constant-0.90": momentum,
    }
    (tmp_path / "full_size.json").write_text(json.dumps(content))
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    return tmp_path / "full_size.json"


def test_schedules_beside_the_published(path):
    """Do the published figure, the interval of three seeds and a lone run stand side by side?"""
    table = schedule_table({Run("1cycle", 8, lr=0.4, batch_size=128): [85.0, 86.0]})
    assert row(table, "1cycle, LR .15 to 3").endswith("92.3  92.0 ± 2.5 (3 seeds)")
    assert row(table, "1cycle, 70 epochs").endswith("93.0  92.0")
    assert row(table, "1cycle, LR 0.4, 8 epochs").endswith("85.5")
    assert "At full size: NVIDIA Test, 2026-01-02; python -m" in table


def test_nothing_is_invented(path):
    """Is a figure nobody published called so, and one that was not measured too?"""
    table = schedule_table({})
    assert row(table, "1cycle, LR .08").endswith(f"not reported  {NOT_YET}")
    assert row(table, "step decay").endswith(f"93.03  {NOT_YET}")
    path.write_text("{}")
    assert schedule_table({}).count(NOT_YET) == len(published.PUBLISHED)
    assert "To measure at full size, on a GPU: python -m experiments.reproduce" in momentum_table()
    path.unlink()
    with pytest.raises(FileNotFoundError, match="python -m experiments.reproduce"):
        momentum_table()


def test_momentum(path):
    """Does each arm show the tests at the peak that most seeds have tested?"""
    table = momentum_table()
    assert row(table, "constant 0.90").split()[2:] == ["0.2", "91.0", "±", "2.5", "(3", "seeds)"]
    assert row(table, "cyclical").endswith(NOT_YET)


def test_stored_file():
    """Does the file beside the lesson hold known experiments only, with plausible accuracies?"""
    names = {experiment for _, _, experiment in published.PUBLISHED}
    names |= {published.momentum_experiment(arm) for arm in published.ARMS}
    stored = stored_results("full_size")
    assert stored.keys() <= names
    accuracies = [run["accuracy"] for runs in stored.values() for run in runs.values()]
    assert all(10 <= accuracy < 100 for accuracy in accuracies)
