import json

import pytest
import torch

from course_utils.lessons import lesson_09
from course_utils.lessons.arms_09 import Arms
from course_utils.lessons.results_09 import stored
from experiments import tune_09


@pytest.mark.slow
def test_command(monkeypatch, tmp_path):
    """Does the command run every comparison, keep the seeds it has, and add the missing ones?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    path = tmp_path / "tune_09.json"
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
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


@pytest.mark.slow
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
