import json
import re
from types import SimpleNamespace

from nbval_summary import KERNEL, PROPERTY, RUN_TIMES, NotebookSummary, Tally, count_claims

from course_utils.teaching.claims import Claim, claims_table

TABLE = claims_table(
    [
        Claim("Its long text goes on in a second line: 10 epochs", [1, 2, 3], at_least=0),
        Claim("short", [1.0, 1.1, 1.2], within=2),
    ]
)


def test_count_claims():
    """Are the rows of a real claims table counted, and neither its head nor continued lines?"""
    assert re.search(r"^ +10 epochs", TABLE, flags=re.MULTILINE)
    assert count_claims([{"text": TABLE}]) == 2
    assert count_claims([{"data": {"image/png": ""}}]) == 0


def report(nodeid, when="call", outcome="passed", duration=1.5, claims=0, kernel=None):
    properties = [(name, value) for name, value in ((PROPERTY, claims), (KERNEL, kernel)) if value]
    return SimpleNamespace(
        nodeid=nodeid,
        when=when,
        duration=duration,
        user_properties=properties,
        passed=outcome == "passed",
        failed=outcome == "failed",
    )


def test_tallies():
    """Are cells counted once, their time added up, and ordinary tests left out?"""
    summary = NotebookSummary()
    for when in ("setup", "call", "teardown"):
        summary.pytest_runtest_logreport(report("a.ipynb::Cell 0", when, claims=2))
        summary.pytest_runtest_logreport(report("tests/test_a.py::test_b", when))
    assert dict(summary.tallies) == {"a.ipynb": Tally(cells=1, claims=2, seconds=4.5)}


def test_kernel():
    """Are a kernel's last CPU time and peak kept, and the time until the first figure is there?"""
    summary = NotebookSummary()
    for cell, figure in enumerate((False, True, True)):
        kernel = {"cpu": 1.0 + cell, "peak": 300 + cell, "figure": figure}
        summary.pytest_runtest_logreport(report(f"a.ipynb::Cell {cell}", kernel=kernel))
    entry = summary.tallies["a.ipynb"].entry()
    assert (entry["cpu"], entry["peak"], entry["figure"]) == (3.0, 302, 3.0)


def test_failed_setup():
    """Is a kernel that did not start reported as its first cell's failure?"""
    summary = NotebookSummary()
    summary.pytest_runtest_logreport(report("a.ipynb::Cell 0", "setup", "failed"))
    summary.pytest_runtest_logreport(report("a.ipynb::Cell 1", "setup", "failed"))
    assert dict(summary.tallies) == {"a.ipynb": Tally(seconds=3.0, failed="Cell 0")}


def test_run_times(tmp_path):
    """Is what a notebook took kept, and an older entry only replaced by a run to the end?"""
    path = tmp_path / RUN_TIMES
    for other, outcome in (("b.ipynb", "passed"), ("c.ipynb", "failed")):
        summary = NotebookSummary()
        summary.pytest_runtest_logreport(report("a.ipynb::Cell 0", outcome=outcome))
        summary.pytest_runtest_logreport(report(f"{other}::Cell 0", claims=3))
        summary.keep_run_times(path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert {name: (entry["cells"], entry["claims"]) for name, entry in kept.items()} == {
        "a.ipynb": (1, 0),
        "b.ipynb": (1, 3),
        "c.ipynb": (1, 3),
    }
    assert kept["a.ipynb"]["seconds"] == 1.5


def test_no_summary_without_notebooks():
    """Does a run without notebooks stay silent about them?"""
    assert NotebookSummary().pytest_terminal_summary(None) is None
