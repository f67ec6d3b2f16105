import json

import numpy as np
import pytest

from course_utils.lessons import results_04


@pytest.fixture
def stored(monkeypatch, tmp_path):
    path = tmp_path / "tuning.json"
    entry = {"lr": 0.4, "steps": 624, "test": [86.0, 86.5, 87.0]}
    path.write_text(json.dumps({"entries": {"net, batch 128, 1cycle, 8 epochs": entry}}))
    monkeypatch.setattr(results_04, "TUNING_FILE", path)
    return path


def test_tuned(stored):
    """Is the stored learning rate found by its arm's name?"""
    assert results_04.tuned("net, batch 128, 1cycle, 8 epochs")["lr"] == 0.4


def test_unknown_entry(stored):
    """Does an arm that was not tuned raise a sentence that names it and what there is?"""
    with pytest.raises(ValueError, match="no entry 'x', only .*1cycle, 8 epochs"):
        results_04.tuned("x")


def test_missing_file(stored):
    """Does a missing file raise a sentence with the command that makes it?"""
    stored.unlink()
    with pytest.raises(FileNotFoundError, match="tuning.json is missing.*tune_04"):
        results_04.stored_table("net")


def test_stored_table(stored):
    """Does the table show steps, learning rate and the interval of the test accuracies?"""
    (_, row) = results_04.stored_table("1cycle").splitlines()
    assert row.split() == ["net,", "batch", "128,", "1cycle", "624", "0.4", "86.5", "±", "1.2"]


def test_claims_of_the_arms_that_ran():
    """Is there a claim for each rival that ran, and none for one that did not?"""
    arms = {("1cycle", 8): [87.0] * 3, ("constant", 8): [85.0] * 3}

    def lead(a, b):
        return [x - y for x, y in zip(arms[a], arms[b], strict=True)]

    (claim,) = results_04.claims(arms, lead)
    assert "constant" in claim.text and claim.verdict == "holds"
    assert results_04.claims({("1cycle", 50): []}, lead) == []


def test_stored_results_are_complete():
    """Does the file that lies beside the lesson hold every arm, its rate inside the grid?"""
    entries = json.loads(results_04.TUNING_FILE.read_text())["entries"]
    for schedule in ("1cycle", "linear decay", "step decay", "constant"):
        names = [name for name in entries if f", {schedule}," in name]
        assert names, schedule
    for entry in entries.values():
        rates = [float(lr) for lr in entry["validation"]]
        assert min(rates) < entry["lr"] < max(rates)
    assert all(len(entry["test"]) >= 3 for entry in entries.values())


@pytest.fixture
def lengths(monkeypatch, tmp_path):
    path = tmp_path / "tuning.json"
    arms = {"2": (100, [80.0, 82.0]), "4": (200, [84.0, 84.0]), "8": (400, [85.0, 87.0])}
    entries = {
        f"small_cnn, batch 128, 1cycle, {epochs} epochs": {"lr": 1, "steps": steps, "test": test}
        for epochs, (steps, test) in arms.items()
    }
    path.write_text(json.dumps({"entries": entries}))
    monkeypatch.setattr(results_04, "TUNING_FILE", path)


def test_steps_to_accuracy(lengths):
    """Are the steps to an accuracy interpolated over log steps, with the seeds' spread?"""
    assert list(results_04.accuracy_by_steps("1cycle")) == [100, 200, 400]
    middle, low, high = results_04.steps_to_accuracy("1cycle", 85.0)
    assert middle == pytest.approx(200 * 2 ** (1 / 2))
    assert low == pytest.approx(200 * 2 ** (1 / 3)) and high == pytest.approx(400)


def test_accuracy_never_reached(lengths):
    """Is an accuracy that the longest run misses infinitely far, and one below all at the start?"""
    assert results_04.steps_to_accuracy("1cycle", 90.0) == (np.inf, np.inf, np.inf)
    assert results_04.steps_to_accuracy("1cycle", 50.0) == (100, 100, 100)
