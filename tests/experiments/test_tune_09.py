import json
from dataclasses import replace

import pytest

from course_utils.lessons import lesson_09
from course_utils.lessons.data_09 import Counts
from course_utils.lessons.lesson_09 import ARMS, MORE_ARMS
from course_utils.lessons.measures_09 import stored
from experiments import tune_09


@pytest.fixture
def smoke(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    monkeypatch.setattr(tune_09, "MINED", (2, 4))
    return tmp_path


@pytest.mark.slow
def test_command(smoke, monkeypatch):
    """Does the command run every comparison, keep the seeds it has, and add the missing ones?"""
    tune_09.main(["--seeds", "1"])
    first = json.loads((smoke / "tune_09.json").read_text())["seeds"]
    monkeypatch.setattr(tune_09, "run_seed", lambda lesson, seed, device: first[0] | {"seed": seed})
    tune_09.main(["--seeds", "1", "2"])
    both = stored()
    assert [entry["seed"] for entry in both] == [1, 2] and both[0] == first[0]
    more = {"mined 2", "mined 4", "two rounds", "one round, trained on", "as mined", "audited"}
    assert set(both[0]["arms"]) == {"before", *ARMS, *MORE_ARMS} | more
    assert both[0]["images"] == 32 and both[0]["mined"] == 8


@pytest.mark.slow
def test_choosing(smoke, monkeypatch):
    """Does the command try every setting on the seeds for that, which are none of the others?"""
    monkeypatch.setattr(tune_09, "TRIED", ((3, 2, 0.001), (2, 3, 0.003)))
    tune_09.main(["--choose", "--seeds", "7"])
    (entry,) = stored("choice_09")
    assert list(entry["tried"]) == ["3 + 2 steps, 0.001", "2 + 3 steps, 0.003"]
    assert all(set(arms) == {"before", "mined", "random"} for arms in entry["tried"].values())
    assert not set(tune_09.CHOOSING) & {*tune_09.SEEDS, *lesson_09.settings().seeds}


@pytest.mark.slow
def test_harbours(smoke, monkeypatch, airbus_archive):
    """Does the command run every arm on a folder of images, a split a seed?"""
    monkeypatch.setattr(tune_09, "HARBOURS", {"size": 64, "counts": Counts(*[8] * 6), "mined": 4})
    tune_09.main(["--harbours", str(airbus_archive), "--seeds", "0"])
    entry = stored("harbours_09")[0]
    assert set(entry["arms"]) == {"before", *ARMS} and entry["test ships"] > 0


def test_settings_of_harbours():
    """Are the harbours' settings those of the lesson, but for size, counts and number?"""
    settings = replace(lesson_09.settings(), **tune_09.HARBOURS)
    assert settings.first_steps == lesson_09.settings().first_steps and settings.size == 128
