import inspect
import os
import time

import pytest
from bad_inputs import (
    airbus,
    checks,
    data,
    detection,
    finder,
    metrics,
    mining,
    plots,
    sampling,
    schedules,
    training,
)

TOPICS = (
    airbus, checks, data, detection, finder, metrics, mining, plots, sampling, schedules, training
)  # fmt: skip
ROWS = {
    f"{topic.__name__.rpartition('.')[2]}: {name}": row
    for topic in TOPICS
    for name, row in topic.ROWS.items()
}
SECONDS = 5.0


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    """Work in an empty folder that is the home folder too, with no progress file elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ROWS)
def test_one_sentence(name, empty_home):
    """Does a bad input raise the documented error, in one sentence, soon, and write nothing?"""
    function, call, error, *words = ROWS[name]
    start = time.perf_counter()
    with pytest.raises(error) as caught:
        call(function)
    assert time.perf_counter() - start < SECONDS
    assert caught.type is error
    assert error.__name__ in inspect.getdoc(function)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "Traceback" not in sentence
    assert [word for word in words if word not in sentence] == [], sentence
    assert os.listdir(empty_home) == []


def test_enough_rows():
    """Are there as many bad inputs as the course promises, and does each row ask for words?"""
    assert len(ROWS) >= 60
    assert [name for name, row in ROWS.items() if len(row) < 4] == []
