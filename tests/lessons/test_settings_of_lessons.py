import pytest

from course_utils.lessons import lesson_04, lesson_05

# A perceptron takes the pixels of an image as one row; lesson 05 halves both sides before.
INPUTS = {lesson_05: 14 * 14}


@pytest.mark.parametrize("lesson", [lesson_04, lesson_05])
@pytest.mark.parametrize("profile, colour", [("quick", 1), ("full", 3), ("smoke", 3)])
def test_model_fits_the_profile(lesson, profile, colour, monkeypatch):
    """Does each profile's model take the images of its data set?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    first = next(lesson.settings().model().parameters())
    assert first.shape[1] == (INPUTS[lesson] if first.ndim == 2 else colour)
