from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.image_dataset import ImageDataset
from course_utils.lessons import lesson_07
from course_utils.lessons.lesson_07 import (
    DIAGNOSES,
    PANELS,
    Judge,
    Run,
    draw_gallery,
    falls,
    log_of_softmax,
    one_cycle,
    plain_means,
    reveal,
    shuffle_labels,
)
from course_utils.models import simple_net
from course_utils.training.history import History

CPU = torch.device("cpu")


def make_images(count, seed=0):
    """Make images of 2 x 2 pixels, each unlike any other, whose class is in their first pixel."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    images = torch.randint(256, (count, 1, 2, 2), generator=generator).byte()
    images[:, 0, 0, 0] = 255 * labels
    return ImageDataset(images, labels, ("dark", "light"), (0.5,), (0.25,), "squares")


RUN = Run(partial(simple_net, inputs=4, hidden=8), images=40, epochs=2, lr=0.1, batch_size=16)


def distinct(images):
    return {tuple(image.flatten().tolist()) for image in images.images}


@pytest.mark.parametrize("profile, colour", [("quick", 1), ("full", 3), ("smoke", 3)])
def test_each_diagnosis_has_a_run_and_a_panel(profile, colour, monkeypatch):
    """Has each diagnosis, in each profile, a run that takes the images, and one panel?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    settings = lesson_07.settings()
    assert list(settings.runs) == list(DIAGNOSES)
    assert sorted(PANELS.values()) == sorted(DIAGNOSES)
    size = {"quick": 14, "full": 32, "smoke": 16}[profile]
    images = torch.zeros(2, colour, size, size)
    assert all(run.model()(images).shape == (2, 10) for run in settings.runs.values())


def test_loaded_sets_are_disjoint(monkeypatch, tmp_path):
    """Do training and validation images have the sizes that the runs ask for?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    images, valid_images = lesson_07.settings().load()
    assert (len(images), len(valid_images)) == (33, 32)
    assert not distinct(images) & distinct(valid_images)


def test_healthy_run_draws_no_validation_image():
    """Does a run train on as many images as it says, and validate on the others?"""
    images, valid_images = make_images(60), make_images(20, seed=1)
    seen, shown = RUN.draw(images, valid_images, 0)
    assert len(seen) == 40 and shown is valid_images
    assert distinct(seen) != distinct(RUN.draw(images, valid_images, 1)[0])


def test_leak():
    """Does the leak put nearly all validation images into the training set, as copies?"""
    run = replace(RUN, copies=4)
    seen, shown = run.draw(make_images(60), make_images(20, seed=1), 0)
    assert len(seen) == 128 and len(shown) == 32
    assert len(distinct(shown) - distinct(seen)) <= 2


def test_shuffled_labels():
    """Are labels shuffled, but not lost, and the images left in their order?"""
    images = make_images(60)
    shuffled = shuffle_labels(images, 0)
    assert torch.equal(shuffled.images, images.images)
    assert not torch.equal(shuffled.labels, images.labels)
    assert torch.equal(shuffled.labels.sort().values, images.labels.sort().values)
    seen, shown = replace(RUN, shuffled=True).draw(images, images, 0)
    for each in (seen, shown):
        bright = (each.images[:, 0, 0, 0] == 255).long()
        assert 0.2 < (bright == each.labels).float().mean() < 0.8


def test_plain_mean():
    """Does the planted mistake weigh the short last batch as much as the others?"""
    history = History(train_loss=[0.0, 0.0], step_loss=[1.0, 1.0, 7.0, 2.0, 2.0, 5.0])
    assert plain_means(history) == [3.0, 3.0]
    images, valid_images = make_images(60), make_images(20, seed=1)
    wrong = replace(RUN, plain_mean=True).train(images, valid_images, 0, device=CPU)
    right = RUN.train(images, valid_images, 0, device=CPU)
    assert wrong.train != wrong.true_train == right.train


def test_curves():
    """Has each curve one value an epoch, and differ shown and true validation in a leak alone?"""
    images, valid_images = make_images(60), make_images(20, seed=1)
    curves = RUN.train(images, valid_images, 0, device=CPU)
    assert len(curves.train) == len(curves.valid) == 2
    assert curves.valid == curves.true_valid and curves.train == curves.true_train
    leaky = replace(RUN, copies=4).train(images, valid_images, 0, device=CPU)
    assert leaky.valid != leaky.true_valid
    assert RUN.train(images, valid_images, 0, device=CPU) == curves
    assert RUN.train(images, valid_images, 1, device=CPU) != curves


def test_decay():
    """Does the early decay all but stop the training?"""
    run = replace(RUN, epochs=10, momentum=0.0)
    images, valid_images = make_images(60), make_images(20, seed=1)
    late = run.train(images, valid_images, 0, device=CPU).valid
    early = replace(run, schedule=partial(falls, at=0.1, to=0.01))
    early = early.train(images, valid_images, 0, device=CPU).valid
    assert late[0] == early[0]
    assert early[0] - early[-1] < 0.1 * (late[0] - late[-1])


def test_one_cycle():
    """Does the cycle peak at the run's learning rate and end far below it?"""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5, momentum=0.9)
    schedule = one_cycle(optimizer, 20)
    lrs = []
    for _ in range(20):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(lrs) < 20:
            schedule.step()
    assert max(lrs) == pytest.approx(0.5, rel=0.05) and lrs[-1] < 1e-3 and lrs[0] < 0.05


def test_log_of_softmax():
    """Is the beginner's loss the cross-entropy, until a probability rounds to zero?"""
    logits, labels = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([0, 1])
    assert torch.allclose(log_of_softmax(logits, labels), F.cross_entropy(logits, labels))
    assert log_of_softmax(1000 * logits, labels).isinf()


def test_run_that_ends_in_nan():
    """Does a run whose loss becomes infinite keep the epochs before, and end there?"""
    images, valid_images = make_images(60), make_images(20, seed=1)
    calls = []

    def loss_function(logits, labels):
        calls.append(len(labels))
        return F.cross_entropy(logits, labels) / (len(calls) < 5)

    run = replace(RUN, epochs=4, loss_function=loss_function)
    curves = run.train(images, valid_images, 0, device=CPU)
    assert len(curves.train) == len(curves.valid) == len(curves.accuracy) < 4


def test_bad_batch():
    """Does one batch spoil its own epoch's loss alone?"""
    images, valid_images = make_images(60), make_images(20, seed=1)
    run = replace(RUN, epochs=4, lr=1e-4, momentum=0.0)
    plain = run.train(images, valid_images, 0, device=CPU).train
    spoilt = replace(run, bad_batch=3).train(images, valid_images, 0, device=CPU).train
    assert spoilt[:2] == plain[:2]
    assert spoilt[2] > 2 * plain[2] and spoilt[3] < 2 * plain[3]


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_dropout(profile, monkeypatch):
    """Is dropout put before the last layer, in either kind of net?"""
    monkeypatch.setenv("COURSE_PROFILE", profile)
    run = replace(lesson_07.settings().runs["dropout"], augment=None)
    model, _, _ = run.build(make_images(8), 0, CPU)
    kinds = [module for module in model.modules() if not list(module.children())]
    assert isinstance(kinds[-2], nn.Dropout) and isinstance(kinds[-1], nn.Linear)
    assert kinds[-2].p == 0.6


def test_clues_name_no_diagnosis():
    """Does no hint give its diagnosis away by name?"""
    for name, diagnosis in DIAGNOSES.items():
        assert name.casefold() not in f"{diagnosis.look} {diagnosis.clue}".casefold()


def test_judge_without_guesses(capsys):
    """Does the judge tell nothing where nothing was guessed?"""
    Judge()(dict.fromkeys(PANELS))
    text = capsys.readouterr().out
    assert text.count("no diagnosis yet") == 14 and "0 of 14 right" in text
    assert not any(word.clue[:20] in text for word in DIAGNOSES.values())


def test_judge_hints_in_two_steps(capsys):
    """Does a first wrong guess tell where to look, and a second one what is seen there?"""
    judge, over_fitted = Judge(), DIAGNOSES["over-fitted"]
    for guess, hint in (
        ("healthy", over_fitted.look),
        ("healthy", over_fitted.look),  # run again unchanged: the same hint
        ("dropout", over_fitted.clue),
    ):
        judge({"A": "dropout", "C": guess, "E": "fine"})
        text = " ".join(capsys.readouterr().out.split())
        assert f"A right, dropout. {DIAGNOSES['dropout'].clue}" in text
        assert f"C not {guess}. {hint}" in text
        assert "E 'fine' is none of the 14: take one of healthy, under-fitted" in text
        assert "B no diagnosis yet." in text and "1 of 14 right" in text


def test_all_right(capsys):
    """Can all be right?"""
    Judge()(PANELS)
    assert "14 of 14 right" in capsys.readouterr().out


@pytest.mark.parametrize("names", [False, True])
def test_gallery(names):
    """Has each run a panel, and are true losses drawn with the names, where they were hidden?"""
    plain = lesson_07.Curves([1.0, 0.5], [1.0, 0.6], [1.0, 0.5], [1.0, 0.6], [0.5, 0.7])
    gallery = dict.fromkeys(DIAGNOSES, plain)
    gallery["validation leak"] = replace(plain, true_valid=[1.0, 2.0])
    figure = draw_gallery(gallery, dict.fromkeys(DIAGNOSES, 2), chance=2.3, names=names)
    titles = [ax.get_title() for ax in figure.axes[:14]]
    assert titles == list(PANELS.values() if names else PANELS)
    lines = {ax.get_title(): len(ax.lines) for ax in figure.axes[:14]}
    two = ("validation leak", "averaged wrongly") if names else ("M", "D")
    assert {lines.pop(panel) for panel in two} == {6 if names else 3}
    assert set(lines.values()) == {3}
    plt.close(figure)


def test_reveal(capsys):
    """Does each panel get its name, what gives it away and what to do?"""
    reveal()
    text = " ".join(capsys.readouterr().out.split())
    for panel, name in PANELS.items():
        diagnosis = DIAGNOSES[name]
        assert f"{panel} {name.upper()}. {diagnosis.clue} What to do: {diagnosis.remedy}" in text
