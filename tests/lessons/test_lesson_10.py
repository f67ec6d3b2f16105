import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from course_utils.data import load_images
from course_utils.data.datasets import fashion_mnist_folder
from course_utils.lessons import lesson_10, stored_results
from course_utils.lessons.exercise_10 import EXERCISE, MeteredNet, _train, marks
from course_utils.lessons.race_10 import Recipe
from course_utils.teaching import check, progress

STORED = stored_results("tune_10")
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "10_speedrun.ipynb"


@pytest.fixture
def smoke(monkeypatch, tmp_path):
    """Run in the smoke profile, with a progress file of one's own."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    return lesson_10.settings(), load_images()


def test_metered_net_keeps_the_budget(smoke):
    """Do images count where gradients are recorded, and is one too many refused?"""
    _, (images, test) = smoke
    net = MeteredNet(images, marks(test.images), budget=10, width=4)
    with torch.no_grad():
        net(images.images)
    assert net.spent == 0
    net(images.images[:8])
    with pytest.raises(RuntimeError, match="more images than the budget of 10"):
        net(images.images[:8])


@pytest.mark.parametrize("change", [lambda x: x, lambda x: x.flip(3)], ids=["as is", "mirrored"])
def test_metered_net_refuses_test_images(smoke, change):
    """Are test images noticed, mirrored as well, and training images let through?"""
    _, (images, test) = smoke
    net = MeteredNet(images, marks(test.images), budget=1000, width=4)
    net(change(images.images[:40]))
    mixed = torch.cat([images.images[:40], test.images[:10]])
    for leak in (test.images, mixed):
        with pytest.raises(RuntimeError, match="test set"), torch.no_grad():
            net(change(leak))


def test_marks_are_distinct():
    """Are Fashion-MNIST's test images told from its training images?"""
    train, test = load_images("quick")
    shared = torch.isin(marks(test.images), marks(train.images)).float().mean()
    assert shared < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("batch", [32, 64, 100, 128, 200, 256])
def test_check_takes_any_usual_batch(batch, smoke):
    """Is a plain training in whole batches right, whatever their size?"""

    def train_within(net, images, labels, budget):
        optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
        epochs = [torch.randperm(len(images)) for _ in range(budget // len(images) + 1)]
        for rows in torch.cat(epochs)[: budget // batch * batch].split(batch):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(images[rows]), labels[rows]).backward()
            optimizer.step()
        return net.eval()

    assert check(train_within, EXERCISE).passed


def test_entry_and_leaderboard(smoke, capsys):
    """Is an entry scored, kept and drawn among the rungs, and one of its name replaced?"""
    settings, sets = smoke
    for function in (lambda *given: given[0].eval(), lambda *given: EXERCISE.reference(*given)):
        lesson_10.enter("mine", function, sets, settings, torch.device("cpu"))
    (first, second) = re.findall(r"mine: ([\d.]+) % after 256 images", capsys.readouterr().out)
    assert float(first) < float(second)
    assert progress.load()["10"]["leaderboard"] == {"mine": pytest.approx(float(second), abs=0.06)}
    ax = Figure().subplots()
    lesson_10.plot_leaderboard(ax, STORED)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert "yours: mine" in names
    assert set(STORED["race"]) < set(names)
    assert len(names) == len(STORED["race"]) + 1


def test_check_follows_the_profile(monkeypatch):
    """Does the check judge by the images of the profile that runs, whichever ran before?"""
    for name in ("smoke", "quick"):
        monkeypatch.setenv("COURSE_PROFILE", name)
        outcome = check(partial(_train, mistake="test images"), EXERCISE)
        assert "images of the test set are among these" in outcome.message


def test_entry_of_the_course(smoke):
    """Does the reference get a name of its own, so that it passes for nobody's try?"""
    settings, sets = smoke
    lesson_10.enter("first try", EXERCISE.reference, sets, settings, torch.device("cpu"))
    assert list(progress.load()["10"]["leaderboard"]) == ["the course's example"]
    ax = Figure().subplots()
    lesson_10.plot_leaderboard(ax, STORED)
    assert "the course's example" in [label.get_text() for label in ax.get_yticklabels()]


def test_ladder_figure_and_table():
    """Has every rung a row, and does the table say which ones were taken back?"""
    axes = Figure().subplots(1, 2, sharey=True)
    lesson_10.plot_ladder(axes, STORED)
    assert [label.get_text() for label in axes[0].get_yticklabels()] == list(STORED["rungs"])
    _, *rows = lesson_10.ladder_table(STORED).splitlines()
    for row, (name, rung) in zip(rows, STORED["rungs"].items(), strict=True):
        assert row.startswith(name)
        assert row.endswith("taken back") != rung["stays"]


def test_whole_ladder_meets_its_aim():
    """Does the top undercut the textbook fourfold in images and eightfold in seconds?"""
    images, seconds = (lesson_10.whole_ladder(STORED)[unit] for unit in ("images", "seconds"))
    assert images[0] >= 4 and seconds[0] >= 8
    assert images[1] < images[0] < images[2]
    textbook, top = STORED["race"]["textbook"]["images"], STORED["race"]["Muon"]["images"]
    assert images[0] == pytest.approx(np.exp(np.log(np.divide(textbook, top)).mean()))
    each = STORED["seconds"]["textbook"] / STORED["seconds"]["Muon"]
    assert seconds[0] == pytest.approx(each * images[0])


def test_stored_say_what_the_text_says():
    """Do the stored results bear out the sentences under the lesson's figures and table?"""
    saved = lesson_10.images_saved(STORED)
    assert max(saved, key=saved.get) == "momentum"
    table = lesson_10.ladder_table(STORED)
    for words in ("2.33 ± 0.85", "1.08 ± 0.69", "0.12 ± 0.22", "0.73 ± 0.48", "0.36 ± 0.46"):
        assert words in table
    seconds = {name: np.mean(each) for name, each in lesson_10.seconds_to_target(STORED).items()}
    assert min(seconds, key=seconds.get) == "batch 256"
    top = STORED["ablation"]["the top"]["accuracy"]
    lost = {
        name: np.mean(np.subtract(top, one["accuracy"])) for name, one in STORED["ablation"].items()
    }
    assert lost["without 1cycle"] == pytest.approx(1.75, abs=0.005)
    assert lost["without Muon"] == pytest.approx(0.73, abs=0.005)
    assert lost["without momentum"] < 0 and lost["with linear decay"] < 0
    (control,) = STORED["controls"].values()
    assert abs(np.mean(control["accuracy"]) - np.mean(STORED["race"]["momentum"]["accuracy"])) < 0.5
    winner = STORED["ablation"]["with linear decay"]["accuracy"]
    assert (min(winner), round(max(winner), 1)) == (87.7, 88.5)


def test_stored_seeds_of_the_claims_have_the_lessons_budgets(monkeypatch):
    """Were the seeds that join the claims trained on as many images as the lesson's own?"""
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    quick, few = lesson_10.settings(), dict(STORED["short"])
    assert few.pop("textbook")["images"] == quick.factor * quick.short
    assert {one["images"] for one in few.values()} == {quick.short}
    assert STORED["seeds"]["short"] and not set(STORED["seeds"]["short"]) & set(quick.seeds)


def test_below():
    """Does each rung stand on the last one before it that stayed and was raced?"""
    under = lesson_10.below(STORED)
    assert under["textbook"] is None
    assert under["momentum"] == "textbook"  # the device changes the time alone
    assert under["decay to zero"] == "momentum"  # channels last was taken back
    assert under["moving average"] == under["Muon"] == "1cycle"


def file_of_forty_lines():
    import nbformat

    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (source,) = (cell.source for cell in cells if cell.source.startswith("# speedrun.py"))
    return source


def test_file_of_forty_lines_is_the_winner():
    """Does the file train with the winner's own settings, those that are stored?"""
    source, best = file_of_forty_lines(), lesson_10.winner()
    assert f"SGD(rest, lr={best.lr}, momentum={best.momentum})" in source
    assert f"Muon(matrices, lr={best.muon}, weight_decay=0)" in source
    assert f'"BUDGET", {STORED["budget"]:_}' in source
    assert f"), {best.batch_size}  # images" in source
    plain = Recipe(lr=best.lr, momentum=best.momentum, muon=best.muon, schedule="linear decay")
    assert best == plain  # and nothing else


@pytest.mark.slow
def test_file_of_forty_lines_runs_alone(tmp_path):
    """Does the notebook's file run without this course, and are its lines forty?"""
    source = file_of_forty_lines()
    assert "course_utils" not in source
    assert sum(bool(line.strip()) for line in source.splitlines()) <= 41  # its name, and forty
    (tmp_path / "speedrun.py").write_text(source, encoding="utf-8")
    given = {"FASHION_MNIST": str(fashion_mnist_folder()), "BUDGET": "3200", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-I", "speedrun.py"],
        cwd=tmp_path,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    (accuracy,) = re.findall(r"([\d.]+) % after 3200 images", run.stdout)
    assert float(accuracy) > 75
