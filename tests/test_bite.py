from dataclasses import replace

import pytest
from bite import BREAKS, broken_source, first_failure


@pytest.mark.parametrize("change", BREAKS, ids=lambda change: change.what)
def test_break_is_up_to_date(change):
    """Is the place to break still there, exactly once, and is what comes out still Python?"""
    compile(broken_source(change), change.module, "exec")


@pytest.mark.parametrize("old, times", [("no such line", "0"), ("def ", r"[1-9]\d*")])
def test_outdated_break(old, times):
    """Does a break whose place is gone, or is not the only one, say so instead of doing nothing?"""
    with pytest.raises(ValueError, match=f"stands {times} times in {BREAKS[0].module}.py"):
        broken_source(replace(BREAKS[0], old=old))


def test_ten_breaks():
    """Are there ten breaks at the least, each of another thing?"""
    assert len({change.what for change in BREAKS}) == len(BREAKS) >= 10


def test_caught_and_missed():
    """Is a break caught by the test that sees it, and one that no test sees reported as missed?"""
    caught = next(change for change in BREAKS if change.module == "smoothing")
    assert first_failure(caught.tests, caught).startswith("test_")
    harmless = replace(caught, new=f"{caught.old} * 1")
    assert first_failure(caught.tests, harmless) is None


def test_tests_that_cannot_run():
    """Is a test file that is not there an error, not a caught break?"""
    with pytest.raises(RuntimeError, match="could not run no_such_thing"):
        first_failure(("no_such_thing",))
