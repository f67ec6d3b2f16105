import pytest
import torch

from experiments import measure_missing, stored_or


def test_what_is_measured_stays(monkeypatch, tmp_path):
    """Is each result in the file before the next is measured, and never measured again?"""
    monkeypatch.setattr("course_utils.lessons.STORED", tmp_path)
    cpu, seeds = torch.device("cpu"), {"test": [1]}
    jobs = {"first": lambda: {"lr": 1}, "second": lambda: pytest.fail("measured")}
    with pytest.raises(pytest.fail.Exception, match="measured"):
        list(measure_missing("some", "arms", jobs, seeds, cpu))
    jobs = {"first": jobs["second"], "second": lambda: {"lr": 2}}
    ((label, result, seconds),) = measure_missing("some", "arms", jobs, seeds, cpu)
    assert (label, result) == ("second", {"lr": 2}) and seconds >= 0
    content = stored_or("some", {})
    assert content.keys() == {"arms", "seeds", "made_with"} and content["seeds"] == seeds
    assert content["arms"] == {"first": {"lr": 1}, "second": {"lr": 2}}
