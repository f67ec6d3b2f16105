import json

import pytest

from course_utils.lessons import stored_results
from experiments import tune_02


@pytest.mark.slow
def test_command_stores_what_it_measured(monkeypatch, tmp_path):
    """Does the command write sweeps, picks and accuracies, one a seed, at each learning rate?"""
    keys = stored_results("tune_02")
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    monkeypatch.setattr(tune_02, "SEEDS", (1, 2))
    monkeypatch.setattr(tune_02, "LRS", (0.01, 0.1))
    monkeypatch.setattr(tune_02, "IMAGES", (640, 64))
    tune_02.main()
    content = json.loads((tmp_path / "tune_02.json").read_text())
    assert list(content) == list(keys) and list(content["picks"]) == list(keys["picks"])
    assert list(content["accuracy"]) == ["0.01", "0.1"]
    parts = [content["losses"], *content["picks"].values(), *content["accuracy"].values()]
    assert [len(part) for part in parts] == [2] * len(parts)
    assert max(map(len, content["losses"])) <= len(content["lrs"]) == 200
