import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from experiments.result_file import ResultFile


def test_results_add_up(tmp_path):
    """Is a result kept beside those of other experiments and runs, and replaced by its next?"""
    results = ResultFile(tmp_path / "new" / "results.json")
    assert results.read() == {}
    results.add("a", "seed 0", {"accuracy": 1.0})
    results.add("a", "seed 1", {"accuracy": 2.0})
    ResultFile(results.path).add("b", "seed 0", {"accuracy": 3.0})
    results.add("a", "seed 0", {"accuracy": 4.0})
    expected = {
        "a": {"seed 0": {"accuracy": 4.0}, "seed 1": {"accuracy": 2.0}},
        "b": {"seed 0": {"accuracy": 3.0}},
    }
    assert results.read() == json.loads(results.path.read_text()) == expected


def test_several_writers(tmp_path):
    """Does nobody overwrite what another adds at the same time?"""
    path = tmp_path / "results.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: ResultFile(path).add("a", f"{i}", {"accuracy": i}), range(40)))
    assert len(ResultFile(path).read()["a"]) == 40


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "\0"])
def test_damaged_file(tmp_path, text):
    """Is a damaged file named in a sentence, by reading and by adding, and left as it is?"""
    path = tmp_path / "results.json"
    path.write_text(text)
    for use in (ResultFile(path).read, lambda: ResultFile(path).add("a", "b", {})):
        with pytest.raises(ValueError, match="results.json is damaged.*delete it to start afresh"):
            use()
    assert path.read_text() == text
