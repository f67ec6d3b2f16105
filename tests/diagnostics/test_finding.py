import re
from pathlib import Path

from course_utils import diagnostics
from course_utils.diagnostics.finding import CHECKS, Finding


def test_text():
    """Does a finding read as its check's name and what was seen?"""
    assert str(Finding("loss at start", "too high.")) == "loss at start: too high."


def test_each_check_is_explained():
    """Is each name that a finding may bear explained, and no other?"""
    files = Path(diagnostics.__file__).parent.glob("*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    assert set(re.findall(r'Finding\(\s*"([^"]+)"', source)) == set(CHECKS)
