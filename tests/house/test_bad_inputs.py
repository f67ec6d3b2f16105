import importlib
import inspect
import os
import pkgutil
import re
import time

import bad_inputs
import pytest
from machine_speed import slowness_of_run

import course_utils

TOPICS = [topic.name for topic in pkgutil.iter_modules(bad_inputs.__path__)]
ROWS = {
    f"{topic}: {name}": row
    for topic in TOPICS
    for name, row in importlib.import_module(f"bad_inputs.{topic}").ROWS.items()
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
    assert time.perf_counter() - start < SECONDS * slowness_of_run()
    assert caught.type is error
    assert error.__name__ in inspect.getdoc(function)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "Traceback" not in sentence
    assert [word for word in words if word not in sentence] == [], sentence
    assert os.listdir(empty_home) == []


def public():
    """Yield what the faces of the rooms and of the package hand on, with its public methods."""
    rooms = (module.name for module in pkgutil.iter_modules(course_utils.__path__) if module.ispkg)
    faces = [course_utils, *(importlib.import_module(f"course_utils.{room}") for room in rooms)]
    for part in (getattr(face, name) for face in faces for name in getattr(face, "__all__", ())):
        yield part
        if inspect.isclass(part):
            yield from (getattr(part, name) for name in vars(part) if not re.match("_[^_]", name))


def documented():
    """Yield (module, name, error) of each error that a docstring of a public name promises."""
    for part in filter(callable, public()):
        words = inspect.cleandoc(part.__doc__ or "").partition("\nRaises:\n")[2]
        for errors in re.findall(r"^    ((?:\w+(?:, )?)+): ", words, flags=re.M):
            yield from ((part.__module__, part.__qualname__, e) for e in errors.split(", "))


def test_all_documented_errors():
    """Has each error that a public name's docstring promises a bad input that raises it?"""
    tried = {(row[0].__module__, row[0].__qualname__, row[2].__name__) for row in ROWS.values()}
    assert sorted(set(documented()) - tried) == []


def test_enough_rows():
    """Are there as many bad inputs as the course promises, and does each row ask for words?"""
    assert len(ROWS) >= 60
    assert [name for name, row in ROWS.items() if len(row) < 4] == []
