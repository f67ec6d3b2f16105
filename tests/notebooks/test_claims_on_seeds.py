from pathlib import Path

import nbformat
import pytest
from claims_on_seeds import claims_of, has_claims, lessons_with_claims, missing, summary
from nbclient.exceptions import CellExecutionError

CELL = """\
from course_utils.teaching.claims import Claim, claims_table
from course_utils.profiles import seeds
claims = [Claim("seeds are positive", seeds(3), at_least=0)]
print(claims_table(claims))
"""


@pytest.fixture
def lesson(tmp_path):
    def write(source):
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["claims"]})
        path = tmp_path / "02_tiny.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        return path

    return write


@pytest.mark.slow
def test_claims_of(lesson):
    """Does a lesson run on the seeds given, and hand back its verdicts with their effects?"""
    (claim,) = claims_of(lesson(CELL), 7)
    assert claim["effects"] == [7000.0, 7001.0, 7002.0]
    assert claim["verdict"] == "holds" and claim["bound"] == "> 0"


@pytest.mark.slow
def test_failing_lesson(lesson):
    """Does a lesson that fails raise, rather than count as one without claims?"""
    with pytest.raises(CellExecutionError):
        claims_of(lesson("1 / 0"), 1)


def test_lessons():
    """Are all the lessons with claims found, and is a notebook without any left out?"""
    names = [path.name[:2] for path in lessons_with_claims()]
    assert {"00", "02", "04"} <= set(names)
    assert not has_claims(nbformat.v4.new_notebook())


def runs(*verdicts):
    return [
        {"lesson": "02_tiny", "seed": seed, "claims": [{"text": "it is so", "verdict": verdict}]}
        for seed, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize("failures, enough", [(0, True), (1, True), (2, False)])
def test_summary(failures, enough):
    """Is the mark 19 of 20 runs without a claim that fails, noise not counted as a failure?"""
    verdicts = ["holds"] * 15 + ["within noise"] * (5 - failures) + ["does not hold"] * failures
    text, reached = summary(runs(*verdicts))
    assert reached is enough
    assert ("too few" in text) is not enough
    assert f"no claim fails in {20 - failures} of 20 runs" in text
    assert text.splitlines()[-1].split()[-3:] == ["15", str(failures), str(5 - failures)]


def test_missing():
    """Are only the runs that are there already left out of the jobs?"""
    jobs = [(Path(f"notebooks/0{lesson}_x.ipynb"), seed) for lesson in (1, 3) for seed in (1, 2)]
    runs = [{"lesson": "01_x", "seed": 2, "claims": []}, {"lesson": "05_x", "seed": 1}]
    assert missing(jobs, runs) == [jobs[0], jobs[2], jobs[3]]
    assert missing(jobs, []) == jobs
