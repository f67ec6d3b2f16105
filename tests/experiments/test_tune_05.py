import json
from dataclasses import replace

import pytest

from course_utils.data import DeviceLoader
from course_utils.lessons import lesson_05
from course_utils.lessons.lesson_05 import ARMS
from experiments import tune_05


@pytest.mark.slow
def test_command_stores_what_it_measured(monkeypatch, tmp_path):
    """Does the command write, for every net and arm, what the lesson reads?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    smoke = lesson_05.settings()
    monkeypatch.setattr(tune_05, "SWEEP_SEEDS", (1,))
    monkeypatch.setattr(tune_05, "NETS", {"tiny": (smoke.model, (1e-6, 0.05), 2)})
    monkeypatch.setattr(
        tune_05, "quick_settings", lambda model, peaks: replace(smoke, model=model, peaks=peaks)
    )
    tune_05.main()
    device = tune_05.pick_device()
    content = json.loads((tmp_path / "tune_05.json").read_text())
    assert content["made_with"]["device"] == device.type
    stored = lesson_05.stored("tiny")
    assert list(stored) == list(ARMS)
    cycle = stored["cyclical"]
    assert list(cycle["validation"]) == ["1e-06", "0.05"]
    assert cycle["peak"] in (1e-6, 0.05) and len(cycle["test"]) == 2
    train, _, test = smoke.load()
    measured = DeviceLoader(test, batch_size=40, device=device)
    run = {"arm": "cyclical", "peak": cycle["peak"], "seed": 200, "device": device}
    assert cycle["test"][0] == smoke.accuracy(train, measured, **run)
