import json
import os
import re
import time

import pytest
from machine_speed import VARIABLE, slowness_of_run
from nbval_guard import cell_timeout
from nbval_summary import RUN_TIMES
from tiny_notebooks import code, notebook, run_notebooks

from course_utils.teaching import Claim, claims_table

pytestmark = pytest.mark.slow
DIES = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
PRINTS_ENVIRONMENT = """
import os
from pathlib import Path
progress = Path(os.environ["COURSE_PROGRESS"])
print(os.environ["COURSE_PROFILE"], os.environ["OMP_NUM_THREADS"], progress.name)
print(progress.parent.is_dir(), "learner" in str(progress))
"""
TABLE = claims_table(2 * [Claim("it is so", [1, 2, 3], at_least=0)])
NOTEBOOKS = {
    "claims": notebook(
        code(f"print({TABLE!r})", "claims", "nbval-check-output", prints=f"{TABLE}\n"), code("x")
    ),
    "dead": notebook(code("x = 1"), code(DIES), code("x")),
    "broken": notebook(code("x = 1"), code("1 / 0"), code("x"), code("x")),
    "changed": notebook(
        code("print(2)", prints="1\n"), code("print(2)", "nbval-check-output", prints="1\n")
    ),
    "slow": notebook(
        code("import time\ntime.sleep(4)", "timeout-60"), code("time.sleep(60)"), code("x")
    ),
    "environment": notebook(
        code(PRINTS_ENVIRONMENT, "nbval-check-output", prints="quick 1 progress.json\nTrue False\n")
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run all notebooks once, as a learner's environment would.

    Returns what was printed, how long it took, and the file of run times.
    """
    folder = tmp_path_factory.mktemp("learner")
    learners = {"COURSE_PROFILE": "full", "OMP_NUM_THREADS": "8", VARIABLE: "1.5"}
    learners["COURSE_PROGRESS"] = str(folder / "learner.json")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in learners.items():
            patch.setitem(os.environ, name, value)
        start = time.monotonic()
        options = ("-n2", "-v", "--nbval-cell-timeout=2")
        printed = run_notebooks(folder / "house", *options, **NOTEBOOKS)
    return printed, time.monotonic() - start, folder / "house" / RUN_TIMES


def outcomes(run, name):
    """Return the outcome of each cell of a notebook, in order."""
    pattern = rf"(PASSED|FAILED|SKIPPED) notebooks/{name}[.:]+ipynb::Cell (\d+)"
    first = {int(cell): outcome for outcome, cell in reversed(re.findall(pattern, run[0]))}
    return [first[cell] for cell in sorted(first)]


def test_dead_kernel(run):
    """Is a dead kernel reported at its own cell, and the rest skipped?"""
    assert outcomes(run, "dead") == ["PASSED", "FAILED", "SKIPPED"]
    assert "Cell 1: The kernel died in this cell" in run[0]


def test_nothing_waits_for_the_default_timeout(run):
    """Do a dead kernel and a cell over its time end in seconds?"""
    assert run[1] < 100 * slowness_of_run()


def test_rest_is_skipped(run):
    """Is the rest of a notebook skipped after its first failure, with the cell named?"""
    assert outcomes(run, "broken") == ["PASSED", "FAILED", "SKIPPED", "SKIPPED"]
    assert "ZeroDivisionError" in run[0]
    assert "Cell 1 of this notebook failed" in run[0]


def test_changed_output_fails(run):
    """Does a compared cell whose text changed fail, and one that is not compared pass?"""
    assert outcomes(run, "changed") == ["PASSED", "FAILED"]
    assert "Cell outputs differ" in run[0]


def test_timeouts(run):
    """Does the timeout, times how slow the machine is, end a cell, and a tag give another more?"""
    assert outcomes(run, "slow") == ["PASSED", "FAILED", "SKIPPED"]
    assert "Timeout of 3 seconds exceeded" in run[0]


def test_summary(run):
    """Does the run end with notebooks, cells and claims, and keep the time of what went well?"""
    assert "Checked: 6 notebooks, 6 cells, 2 claims." in run[0]
    assert re.search(r"claims.ipynb: 1 cells, 2 claims, \d+ s, failed at Cell 1", run[0])
    assert run[0].rstrip().splitlines()[-1].strip("= ").startswith("5 failed, 6 passed, 4 skipped")
    assert list(json.loads(run[2].read_text(encoding="utf-8"))) == ["notebooks/environment.ipynb"]


def test_environment_of_kernels(run):
    """Have kernels the quick profile, one thread and a progress file that is not the learner's?"""
    assert outcomes(run, "environment") == ["PASSED"]


@pytest.mark.parametrize(
    "tags, expected",
    [([], 5), (["claims"], 5), (["claims", "timeout-300"], 300), (["timeout-x"], 5)],
)
def test_cell_timeout(tags, expected):
    """Does the tag's number count, and the default where there is none?"""
    assert cell_timeout(tags, 5) == expected
