from course_utils.diagnostics.finding import Finding


def test_text():
    """Does a finding read as its check's name and what was seen?"""
    assert str(Finding("loss at start", "too high.")) == "loss at start: too high."
