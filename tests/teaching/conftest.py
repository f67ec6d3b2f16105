import pytest

from course_utils.teaching import progress


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    """Give each test its own progress file, a kernel that has just started, and no grading."""
    path = tmp_path / "home" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(progress, "_unsaved", [])
    monkeypatch.setattr(progress, "_warned", set())
    return path
