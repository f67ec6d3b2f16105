"""Every row of the benchmarks, shrunk, without the peers that only `make bench` installs."""

import pytest

from benchmarks import (
    image_feed,
    lr_finder_answers,
    lr_finder_regret,
    lr_finder_step,
    lr_finder_traces,
    mining,
    one_cycle,
    oversampling,
    scale,
    training_step,
)
from benchmarks.lr_finder_peers import FINDERS
from benchmarks.pairing import OURS
from benchmarks.training_peers import FRAMEWORKS
from course_utils.detection.models import ShipDetector
from course_utils.training.checkpoint import save_checkpoint

FINDER = {OURS: FINDERS[OURS]}


def test_training_step():
    """Does `fit` end at the bare loop's weights, bit by bit, on both nets?"""
    frameworks = {name: FRAMEWORKS[name] for name in ("bare PyTorch loop", OURS)}
    for table in training_step.measure(frameworks, steps=12, rounds=2):
        assert [row["weights differ by"] for row in table.rows] == [0.0, 0.0]
        assert all(row["us a step"] > 0 for row in table.rows)


def test_lr_finder_step():
    """Is a step of our finder timed on both nets, and what is around the sweep?"""
    for table in lr_finder_step.measure(FINDER, steps=12, rounds=2):
        assert table.rows[0]["us a step"] > 0
        # A difference of two measured times: of twelve steps it may come out below zero.
        assert isinstance(table.rows[0]["ms around the sweep"], float)


def test_traces():
    """Does our finder restore each part, after success and after an exception, and keep ratios?"""
    *restored, groups = lr_finder_traces.measure(FINDER)
    for table in restored:
        assert all(table.rows[0].values()), table.title
        assert len(table.rows[0]) == 9
    assert groups.rows[0]["one range"] == pytest.approx(lr_finder_traces.RATIO)
    assert groups.rows[0]["a range a group"] == "not offered"


def test_traces_are_seen():
    """Is a finder that restores nothing found out in each part?"""

    def careless(sweep):
        for inputs, targets in sweep.loader:
            sweep.model.train()
            sweep.optimizer.param_groups[0]["lr"] *= 0.5
            sweep.optimizer.zero_grad()
            sweep.loss_function(sweep.model(inputs), targets).backward()
            sweep.optimizer.step()

    assert not any(lr_finder_traces.traces(careless, stop_at=None).values())


def test_answers():
    """Are the known answer met, NaN avoided and a constant loss refused?"""
    faults, known, scatter = lr_finder_answers.measure((OURS,), seeds=2)
    assert [row["steps after the NaN"] for row in faults.rows] == [0, 0]
    assert all(row["suggestion / LR of the NaN"] < 1 for row in faults.rows)
    assert {row["suggestion on a constant loss"] for row in faults.rows} == {"ValueError"}
    assert known.rows[1]["300 steps"] == pytest.approx(1, rel=0.25)  # the steepest point
    assert known.rows[0]["300 steps"] > 1.5
    assert all(row["highest / lowest"] >= 1 for row in scatter.rows)


def test_regret():
    """Is ours the first row of both halves, beside each peer, and under three points at worst?"""
    tables = lr_finder_regret.measure()
    assert [len(table.rows) for table in tables] == [11, 11]
    for table in tables:
        assert table.rows[0][""] == "course_utils, suggestion"
        assert max(table.rows[0][name] for name in lr_finder_regret.COLUMNS) < 3


def test_image_feed():
    """Is each feed timed?"""
    (table,) = image_feed.measure(images=256, rounds=2)
    assert all(row["images a second"] > 0 for row in table.rows)


def test_oversampling():
    """Is ours exact and complete, and WeightedRandomSampler seen to miss a third of the largest?"""
    samplers = {name: oversampling.SAMPLERS[name] for name in (OURS, "WeightedRandomSampler")}
    (table,) = oversampling.measure(samplers, size=5000, rounds=2)
    ours, weighted = table.rows
    assert (ours["largest error of a count"], ours["largest class missed"]) == (0.0, 0.0)
    assert weighted["largest error of a count"] > 0
    assert 0.3 < weighted["largest class missed"] < 0.45


def test_one_cycle():
    """Are ours and PyTorch's on their definitions to ten digits, the last step included?"""
    schedules = {name: one_cycle.SCHEDULES[name] for name in (OURS, "OneCycleLR")}
    deviations, times = one_cycle.measure(schedules, lengths=(10, 30), rounds=2)
    for row in deviations.rows:
        assert max(row["LR off by"], row["momentum off by"]) < 1e-10
        assert row["last LR / its final LR"] == pytest.approx(1)
    assert all(row["us a step"] > 0 for row in times.rows)


def test_mining(monkeypatch):
    """Are images a second and the peak of memory measured for each number of scenes?"""
    monkeypatch.setattr(mining, "alone", lambda function: function())
    weights = ShipDetector().state_dict()
    monkeypatch.setattr(mining, "train", lambda path: save_checkpoint(path, weights))
    (table,) = mining.measure(sizes=(20, 40), most=5)
    assert [row["scenes"] for row in table.rows] == [20, 40]
    assert all(row["images a second"] > 0 and row["peak MB"] > 0 for row in table.rows)


@pytest.mark.parametrize("name", sorted(scale.TASKS))
def test_scale(name):
    """Does each task of the scale row run?"""
    task, unit, _ = scale.TASKS[name]
    row = scale.growth(name, task, unit, (200, 400), repeats=1)
    assert row["sizes"] == [200, 400]
    assert all(milliseconds > 0 for milliseconds in row["milliseconds"])
