from dataclasses import replace

import pytest

from course_utils.lessons import lesson_01
from course_utils.lessons.lesson_01 import ARMS
from experiments import tune_01


@pytest.mark.slow
def test_learning_rates(monkeypatch):
    """Is each learning rate tried for each budget and arm, and its accuracy one in percent?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    settings = replace(lesson_01.settings(), budgets={"short": 1})
    found = list(tune_01.learning_rates(settings, "cpu", grid=(0.01, 0.1)))
    assert [(budget, arm) for budget, arm, _ in found] == [
        ("short", arm) for arm in ("balanced", "as it is", "prior correction", *ARMS[1:])
    ]
    for _, _, values in found:
        assert list(values) == [0.01, 0.1] and all(0 <= v <= 100 for v in values.values())


def test_command(monkeypatch, capsys):
    """Does the command print a line an arm and budget, with the best learning rate?"""
    found = {0.1: 60.0, 0.2: 71.25, 0.4: 70.0}
    monkeypatch.setattr(tune_01, "learning_rates", lambda *_: [("short", "as it is", found)])
    tune_01.main()
    words = " ".join(capsys.readouterr().out.split())
    assert words == "short as it is 0.1: 60.0, 0.2: 71.2, 0.4: 70.0; best 0.2"
