import json
import math
import time

import pytest

from benchmarks.growth import best_time, exponent
from benchmarks.pairing import OURS, compare, take_turns
from benchmarks.report import Table, document, format_cell, peers_ahead, write_json
from benchmarks.run_all import LIMITS, RESULTS, run_rows


def test_turns():
    """Is each run called once a round, in changing order, with the first round dropped?"""
    calls = []

    def run(name):
        calls.append(name)
        return float(len(calls))

    names = ("a", "b", "c")
    values = take_turns({name: lambda name=name: run(name) for name in names}, rounds=6)
    rounds = [tuple(calls[start : start + 3]) for start in range(0, 21, 3)]
    assert all(sorted(order) == list(names) for order in rounds)
    assert len(set(rounds)) > 1
    assert {name: len(series) for name, series in values.items()} == dict.fromkeys(names, 6)
    assert min(min(series) for series in values.values()) == 4.0


def test_ratios_are_paired():
    """Is the ratio that of the same round, so that a machine whose speed doubles is no matter?"""
    own = [1.0, 2.0, 4.0, 8.0, 16.0]
    rows = compare({OURS: own, "peer": [3 * value for value in own]}, "us a step", scale=10.0)
    assert rows[0] == {"": OURS, "us a step": 40.0, "quartiles": [20.0, 80.0]}
    assert rows[1]["us a step"] == 120.0
    assert rows[1]["ratio to ours"] == 3.0
    assert rows[1]["its quartiles"] == [3.0, 3.0]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponent(power):
    """Is the exponent of an exact power law found?"""
    sizes = [10, 100, 1000, 10_000]
    assert exponent(sizes, [3e-6 * size**power for size in sizes]) == pytest.approx(power)


def test_best_time():
    """Is the time that of one call, however often it is called?"""
    calls = []

    def function():
        calls.append(None)
        time.sleep(0.002)

    start = time.perf_counter()
    best = best_time(function, repeats=2)
    assert 0.002 <= best <= (time.perf_counter() - start) / len(calls)
    assert len(calls) > 5


@pytest.mark.parametrize(
    "value, text",
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (0.0, "0"),
        (12345, "12,345"),
        (1234.5, "1,234"),
        (1.2345, "1.23"),
        (0.012345, "0.0123"),
        (1.2345e-7, "1.23e-07"),
        (math.inf, "inf"),
        ([1.0, 2.5], "1.00 to 2.50"),
        ("raises ValueError", "raises ValueError"),
    ],
)
def test_cells(value, text):
    """Is a number written to three digits, and all else in words?"""
    assert format_cell(value) == text


def a_table(ratio=0.5):
    rows = [
        {"": OURS, "s": 1.0},
        {"": "peer", "s": ratio, "ratio to ours": ratio, "its quartiles": [ratio, ratio]},
    ]
    return Table("Speed", "How.", rows, "Why.")


def test_markdown():
    """Has a table every column, with a cell that a row lacks left empty?"""
    lines = a_table().markdown().splitlines()
    assert lines[:3] == ["## Speed", "", "How."]
    assert lines[4] == "|  | s | ratio to ours | its quartiles |"
    assert lines[6] == f"| {OURS} | 1.00 |  |  |"
    assert lines[-1] == "Why."


def test_peers_ahead():
    """Is a peer named as faster where the middle half of its ratios lies below 1?"""
    assert peers_ahead([a_table(0.5)]) == ["Speed: peer takes 0.500 of our time"]
    assert peers_ahead([a_table(1.5)]) == []


def test_better_peers():
    """Is a peer named that has less where less is better, and ours never?"""
    rows = [{"": OURS, "error": 0.2}, {"": "good", "error": 0.1}, {"": "bad", "error": 0.3}]
    table = Table("Exactness", "How.", rows, lower=["error"])
    assert peers_ahead([table]) == ["Exactness: good, error: 0.100, ours 0.200"]


def test_document():
    """Does the document tell machine, versions, tables and what is missing?"""
    table = {"title": "Speed", "setting": "How.", "rows": a_table().rows, "reading": ""}
    content = {
        "machine": {"CPU": "a fast one"},
        "versions": {"torch": "2.9"},
        "tables": [table],
        "missing": {"mining": "it took more than 9 s"},
    }
    text = document(content)
    for words in ("- CPU: a fast one", "torch 2.9", "## Speed", "- mining: it took more than 9 s"):
        assert words in text
    assert "- Speed: peer takes" in text
    assert "nowhere in this run" in document(content | {"tables": []})


def test_json_is_standard(tmp_path):
    """Is a number that is not finite written as a word, which every reader of JSON takes?"""
    write_json(tmp_path / "results.json", {"rows": [(1, 0.1234567890, math.nan)]})
    assert json.loads((tmp_path / "results.json").read_text()) == {"rows": [[1, 0.123457, "nan"]]}


def test_rows_that_fail():
    """Is a row that fails, or takes longer than it may, named as missing?"""
    tables, missing = run_rows({"no_such_row": 60, "one_cycle": 0.01})
    assert tables == []
    assert missing["no_such_row"] == "it ended with the status 1"
    assert missing["one_cycle"] == "it took more than 0.01 s"


def test_limits():
    """Do all rows together end in a quarter of an hour?"""
    assert sum(LIMITS.values()) <= 15 * 60


def test_stored_results():
    """Is the stored document that of the stored numbers, with no row missing?"""
    content = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert RESULTS.with_name("RESULTS.md").read_text(encoding="utf-8") == document(content)
    assert content["missing"] == {}
