import json

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.lessons import STORED, lesson_04, lesson_05, stored_results
from course_utils.lessons.lesson_04 import Run, published_table
from course_utils.lr.schedules import OneCycleCurve
from experiments import tune_04
from experiments.reproduce import momentum_experiment


def lrs_of(run, steps):
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=run.lr, momentum=0.9)
    schedule = run.attach(optimizer, steps)
    lrs = []
    for _ in range(steps):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return lrs


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("constant", [0.8] * 8),
        ("step decay", [0.8] * 4 + [0.08] * 2 + [0.008] * 2),
        ("linear decay", [0.8 * (1 - i / 8) for i in range(8)]),
        ("constant + cooldown", [0.8] * 7 + [0.8 * 1 / 1.6]),
        ("1cycle", OneCycleCurve.gugger(8, 0.8, div=10, tail=0.25).lrs()),
        ("1cycle with constant momentum", OneCycleCurve.gugger(8, 0.8, tail=0.25).lrs()),
        ("1cycle with a tail of 50 %", OneCycleCurve.gugger(8, 0.8, tail=0.5).lrs()),
    ],
)
def test_schedules(schedule, expected):
    """Does each arm's learning rate follow its schedule, step by step?"""
    run = Run(schedule, epochs=1, lr=0.8, batch_size=4, tail=0.25)
    np.testing.assert_allclose(lrs_of(run, 8), expected)


def test_full_profile_is_the_published_one(monkeypatch):
    """Does the full profile run ResNet-56 at the source text's learning rates and epochs?"""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    settings = lesson_04.settings()
    assert sum(p.numel() for p in settings.model().parameters()) == 855_770
    first, second, third = settings.runs
    curve = OneCycleCurve.gugger(951, first.lr, div=first.div, tail=first.tail)
    assert [curve.lr(step) for step in (0, 410, 820, 950)] == pytest.approx([0.08, 0.8, 0.08, 8e-4])
    curve = OneCycleCurve.gugger(501, second.lr, div=second.div, tail=second.tail)
    assert [curve.lr(step) for step in (0, 225, 450, 500)] == pytest.approx([0.15, 3, 0.15, 1.5e-3])
    assert [run.epochs for run in settings.runs] == [95, 50, 70]
    assert 70 * (50_000 // third.batch_size) < 7_000


def test_momentum_stays_constant_where_its_name_says_so():
    """Does the control arm leave the momentum alone, and the cycle move it?"""
    momenta = {}
    for name in ("1cycle", "1cycle with constant momentum"):
        optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, momentum=0.9)
        Run(name, epochs=1, lr=0.8, batch_size=4).attach(optimizer, 8)
        momenta[name] = optimizer.param_groups[0]["momentum"]
    assert momenta == {"1cycle": 0.95, "1cycle with constant momentum": 0.9}


def test_training_is_repeatable(monkeypatch, tmp_path):
    """Does one seed give the same model twice, and another seed another one?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    settings = lesson_04.settings()
    train, valid, test = settings.load()
    assert (len(train), len(valid), len(test)) == (64, 32, 40)
    losses = [
        settings.runs[0].train(settings, train, seed, device=torch.device("cpu"))[1].step_loss
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1] != losses[2]


@pytest.fixture
def stored(monkeypatch, tmp_path):
    path = tmp_path / "tune_04.json"
    cycle = {"lr": 0.4, "steps": 624, "test": [86.0, 86.5, 87.0]}
    constant = {"lr": 0.1, "steps": 624, "test": [84.0, 84.5, 85.0]}
    entries = {
        "small_cnn, batch 128, 1cycle, 8 epochs": cycle,
        "small_cnn, batch 128, constant, 8 epochs": constant,
    }
    path.write_text(json.dumps({"entries": entries}))
    monkeypatch.setattr("course_utils.lessons.STORED", path.parent)
    return path


def test_stored_table(stored):
    """Does the table show each arm, and the last one against the first?"""
    (_, *rows, verdict) = lesson_04.stored_table([("1cycle", 8), ("constant", 8)]).splitlines()
    assert rows[0].split() == ["1cycle", "128", "8", "624", "0.4", "86.5", "±", "1.2"]
    assert verdict == "last row minus first: -2.00 ± 0.00 points, behind"


@pytest.mark.parametrize(
    "tests, word", [([86.0, 86.5, 87.0], "noise"), ([89.0, 89.5, 90.1], "ahead")]
)
def test_verdict(stored, tests, word):
    """Is an arm ahead only if the interval of the paired difference excludes zero?"""
    content = json.loads(stored.read_text())
    content["entries"]["small_cnn, batch 128, constant, 8 epochs"]["test"] = tests
    stored.write_text(json.dumps(content))
    assert lesson_04.stored_table([("1cycle", 8), ("constant", 8)]).endswith(word)


def test_stored_results_are_complete():
    """Does the file that lies beside the lesson hold every arm, its rate inside the grid?"""
    entries = json.loads((STORED / "tune_04.json").read_text())["entries"]
    arms = {("small_cnn", *arm) for arm in (*tune_04.SMALL, *tune_04.NARROW)}
    arms |= {("ResNet-20", *arm) for arm in tune_04.DEEP}
    names = {f"{net}, batch {batch}, {name}, {epochs} epochs" for net, name, batch, epochs in arms}
    assert entries.keys() == names
    for schedule in ("1cycle", "linear decay"):
        lengths = lesson_04.accuracy_by_steps(schedule, "confirm")
        assert lengths.keys() == lesson_04.accuracy_by_steps(schedule).keys()
    for entry in entries.values():
        rates = [float(lr) for lr in entry["validation"]]
        assert min(rates) < entry["lr"] < max(rates)
    assert all(len(entry["test"]) >= 3 for entry in entries.values())


@pytest.fixture
def lengths(monkeypatch, tmp_path):
    path = tmp_path / "tune_04.json"
    arms = {"2": (100, [80.0, 82.0]), "4": (200, [84.0, 84.0]), "8": (400, [85.0, 87.0])}
    entries = {
        f"small_cnn, batch 128, 1cycle, {epochs} epochs": {"lr": 1, "steps": steps, "test": test}
        for epochs, (steps, test) in arms.items()
    }
    path.write_text(json.dumps({"entries": entries}))
    monkeypatch.setattr("course_utils.lessons.STORED", path.parent)


def test_steps_to_accuracy(lengths):
    """Are the steps to an accuracy interpolated over log steps, with the seeds' spread?"""
    assert list(lesson_04.accuracy_by_steps("1cycle")) == [100, 200, 400]
    middle, low, high = lesson_04.steps_to_accuracy("1cycle", 85.0)
    assert middle == pytest.approx(200 * 2 ** (1 / 2))
    assert low == pytest.approx(200 * 2 ** (1 / 3)) and high == pytest.approx(400)


def test_accuracy_never_reached(lengths):
    """Is an accuracy that the longest run misses infinitely far, and one below all at the start?"""
    assert lesson_04.steps_to_accuracy("1cycle", 90.0) == (np.inf, np.inf, np.inf)
    assert lesson_04.steps_to_accuracy("1cycle", 50.0) == (100, 100, 100)


def test_lead_is_paired(lengths, monkeypatch):
    """Is a lead taken seed by seed, at the lengths that both schedules have?"""
    other = {200: [83.0, 82.0], 800: [90.0, 90.0]}
    own = lesson_04.accuracy_by_steps
    monkeypatch.setattr(
        lesson_04, "accuracy_by_steps", lambda name, part: own(name) if name == "1cycle" else other
    )
    assert lesson_04.lead("1cycle", "constant") == {200: [1.0, 2.0]}
    (titles, row) = lesson_04.lead_table("1cycle", [("constant", "test")]).splitlines()
    assert titles.split() == ["steps", "constant", "(test)"]
    assert row.split() == ["200", "1.5", "±", "6.4"]


def test_steps_table(lengths):
    """Is a target that is never reached called so, not infinite?"""
    (_, row) = lesson_04.steps_table(["1cycle"], (85.0, 90.0)).splitlines()
    assert row.split() == ["1cycle", "283", "(252", "to", "400)", "never"]


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
