import importlib

import pytest

from course_utils.teaching.exercises import check
from course_utils.teaching.quiz import ask

LESSONS = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10")


@pytest.fixture(autouse=True)
def own_progress(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


def module(lesson):
    return importlib.import_module(f"course_utils.lessons.exercise_{lesson}")


@pytest.mark.parametrize("lesson", LESSONS)
def test_reference_passes(lesson):
    """Does the reference pass its own check?"""
    exercise = module(lesson).EXERCISE
    assert exercise.lesson == lesson
    assert check(exercise.reference, exercise).passed


@pytest.mark.parametrize(
    "lesson, number", [(a, i) for a in LESSONS for i in range(len(module(a).EXERCISE.mistakes))]
)
def test_each_mistake_is_told(lesson, number):
    """Does each likely mistake fail, and with its own words?"""
    exercise = module(lesson).EXERCISE
    mistake, words = exercise.mistakes[number]
    outcome = check(mistake, exercise)
    assert outcome.attempted and not outcome.passed
    assert words in outcome.message


@pytest.mark.parametrize("lesson", LESSONS)
def test_quiz(lesson, capsys):
    """Does each question have a right answer that is accepted, and hide its reason before?"""
    for question in module(lesson).QUIZ:
        assert ask(**question, answer=None) is None
        assert question["why"][:20] not in capsys.readouterr().out
        assert ask(**question, answer=question["correct"])
        wrong = next(letter for letter in question["options"] if letter != question["correct"])
        assert not ask(**question, answer=wrong)
