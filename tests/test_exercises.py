import pytest

from course_utils.exercises import Case, Exercise


def test_exercise_without_cases():
    """Does an exercise that anything would pass raise a sentence for its author?"""
    with pytest.raises(ValueError, match="'core' has no case"):
        Exercise("02", "core", reference=abs, cases=())


def test_defaults_run_the_function_itself():
    """Does a case, by default, call the function with its arguments?"""
    exercise = Exercise("02", "core", reference=max, cases=[Case("two", (1, 2), {"key": abs})])
    (case,) = exercise.cases
    assert exercise.call(max, *case.arguments, **case.keywords) == 2
