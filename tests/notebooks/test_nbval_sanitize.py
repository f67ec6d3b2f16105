import re
from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

from course_utils.teaching.claims import Claim, claims_table

TEXT = (Path(__file__).parent / "nbval_sanitize.cfg").read_text(encoding="utf-8")
# For each rule, a text that it has to change and what it becomes.
EXAMPLES = {
    "EFFECT": ("12.3 ± 0.8 points, -1 ± 2", "EFFECT points, EFFECT"),
    "FACTOR": (
        "> 10 times  holds  91 times (73 to 114), 3 seeds",
        "> 10 times  holds  FACTOR, 3 seeds",
    ),
    "DURATION": ("trained in 12.5 s, not 3 minutes", "trained in DURATION, not DURATION"),
}


def sanitize(text):
    for pattern, replacement in get_sanitize_patterns(TEXT):
        text = re.sub(pattern, replacement, text)
    return text


def table(*effects, at_least=0, **scale):
    return claims_table([Claim("The tail pays", effects, at_least=at_least, **scale)])


def test_every_rule_is_alive():
    """Does nbval see as many rules as the file has, none dropped for a blank or trimmed space?"""
    rules = get_sanitize_patterns(TEXT)
    assert 2 * len(rules) == len(TEXT.splitlines())
    assert {replacement for _, replacement in rules} == EXAMPLES.keys()


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_does_its_work(rule):
    """Does each rule replace what it is for?"""
    before, after = EXAMPLES[rule]
    assert sanitize(before) == after


def test_other_numbers_do_not_matter():
    """Is a claims table with other numbers, of other widths and signs, the same?"""
    assert sanitize(table(4, 5, 6)) == sanitize(table(10.25, 12.5, 9.75))
    assert sanitize(table(-1, 2, 3)) == sanitize(table(-10, 25, -1))
    times = {"at_least": 5, "unit": "times", "base": 10}
    assert sanitize(table(2, 2.1, 1.9, **times)) == sanitize(table(9, 9.1, 8.8, **times))
    assert sanitize(table(0, 2, 3, **times)) == sanitize(table(-300, 300, 305, **times))


def test_a_changed_verdict_shows():
    """Do a changed verdict, a changed bound and another number of seeds still show?"""
    holds = sanitize(table(1, 2, 3))
    assert "holds" in table(4, 5, 6) and "within noise" in table(1, 2, 3)
    assert sanitize(table(4, 5, 6)) != holds
    assert sanitize(table(-4, -5, -6)) != holds
    assert sanitize(table(1, 2, 3, at_least=0.1)) != holds
    assert sanitize(table(1, 2, 3, 2)) != holds
