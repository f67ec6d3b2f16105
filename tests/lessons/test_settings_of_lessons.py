import pytest

from course_utils.lessons import lesson_00, lesson_02, lesson_04


@pytest.mark.parametrize("lesson", [lesson_00, lesson_02, lesson_04])
@pytest.mark.parametrize("profile, colour", [("quick", 1), ("full", 3), ("smoke", 3)])
def test_model_fits_the_profile(lesson, profile, colour, monkeypatch):
    """Does each profile's model take the images of its data set?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    first = next(lesson.settings().model().parameters())
    assert first.shape[1] == (28 * 28 if first.ndim == 2 else colour)
