import pytest
import torch

from course_utils.lessons import exercise_08, lesson_08
from course_utils.lessons.lesson_08 import BUGS, HARMLESS, SCRIPT, source
from course_utils.teaching import check


@pytest.fixture(scope="module")
def images():
    return lesson_08.settings().load()


@pytest.mark.parametrize("model", [None, "MLP", "small CNN", "ResNet-8"])
def test_set_up(images, model):
    """Is a set-up the same for the same seed, another for another, and ready to train?"""
    build = lesson_08.settings().models.get(model)
    first, same, other = (lesson_08.set_up(images, seed, model=build) for seed in (0, 0, 1))
    assert torch.equal(first.images, same.images) and not torch.equal(first.images, other.images)
    weights = [next(s.model.parameters()) for s in (first, same, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert first.step(first.loader()[0]) > first.step(first.loader()[0])
    assert [len(labels) for _, labels in first.loader()] == [64] * 16


@pytest.mark.parametrize("bug", [*BUGS.values(), HARMLESS])
def test_bug_replaces_lines_of_the_script(bug):
    """Does each bug change the lines that it shows, each of which stands in the script once?"""
    assert all(SCRIPT.count(right) == 1 for right in bug.lines)
    assert all(wrong in source(bug) and right in str(bug) for right, wrong in bug.lines.items())
    assert source(bug) != SCRIPT == source()


def test_nineteen_bugs():
    """Are there nineteen bugs, in model, loss, data and loop?"""
    assert len(BUGS) == 19
    assert {bug.place for bug in BUGS.values()} == {"model", "loss", "data", "loop"}


@pytest.mark.parametrize("name", exercise_08.LISTINGS)
def test_listing(name, capsys):
    """Has a listing twenty lines, and exactly one that is wrong?"""
    exercise_08.print_listing(name)
    assert len(capsys.readouterr().out.splitlines()) == 21
    number, line = exercise_08.EXERCISE.reference()[name]
    repaired = exercise_08.replace_line(name, number, line)
    broken = exercise_08.LISTINGS[name]
    differing = [a != b for a, b in zip(broken.splitlines(), repaired.splitlines(), strict=True)]
    assert sum(differing) == 1 and differing[number - 1]


@pytest.mark.parametrize(
    "answer",
    [
        {"B": (9, "nn.Linear(50, 10), nn.LogSoftmax(dim=1),")},
        {"B": (16, "loss = F.nll_loss(output.log(), labels)")},
        {"C": (4, "pass")},
        {"A": [18, "        optimizer.step()  # called"]},
    ],
)
def test_other_repairs_pass(answer, monkeypatch, tmp_path):
    """Does a repair pass that another line or another word makes, as it trains alike?"""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    answers = {**exercise_08.EXERCISE.reference(), **answer}
    assert check(lambda: answers, exercise_08.EXERCISE).passed


@pytest.mark.parametrize("number", range(len(exercise_08.ALONE.mistakes)))
def test_mistakes_of_the_second_exercise(number, monkeypatch, tmp_path):
    """Does each likely mistake fail, and with its own words?"""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    mistake, words = exercise_08.ALONE.mistakes[number]
    outcome = check(mistake, exercise_08.ALONE)
    assert not outcome.passed and words in outcome.message
    assert check(exercise_08.ALONE.reference, exercise_08.ALONE).passed
