from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from course_utils.data.image_dataset import ImageDataset
from course_utils.lessons import lesson_07
from course_utils.lessons.lesson_07 import (
    DIAGNOSES,
    PANELS,
    Run,
    judge,
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
    size = 14 if profile == "quick" else 32
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
    early = replace(run, decay=0.1).train(images, valid_images, 0, device=CPU).valid
    assert late[0] == early[0]
    assert early[0] - early[-1] < 0.1 * (late[0] - late[-1])


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
    """Does no clue give its diagnosis away by name?"""
    for name, diagnosis in DIAGNOSES.items():
        assert name not in diagnosis.clue.casefold()


def test_judge_without_guesses(capsys):
    """Does the judge tell nothing where nothing was guessed?"""
    judge(dict.fromkeys(PANELS))
    text = capsys.readouterr().out
    assert text.count("no diagnosis yet") == 10 and "0 of 10 right" in text
    assert not any(word.clue[:20] in text for word in DIAGNOSES.values())


def test_judge(capsys):
    """Are right, wrong and unknown guesses told apart, with the clue but not the answer?"""
    judge({"A": "dropout", "C": "healthy", "E": "fine"})
    text = " ".join(capsys.readouterr().out.split())
    assert f"A right, dropout. {DIAGNOSES['dropout'].clue}" in text
    assert f"C not healthy. Look again: {DIAGNOSES['over-fitted'].clue}" in text
    assert "E 'fine' is none of the ten: take one of healthy, under-fitted" in text
    assert "B no diagnosis yet." in text and "1 of 10 right" in text


def test_all_right(capsys):
    """Can all ten be right?"""
    judge(PANELS)
    assert "10 of 10 right" in capsys.readouterr().out


def test_reveal(capsys):
    """Does each panel get its name, what gives it away and what to do?"""
    reveal()
    text = " ".join(capsys.readouterr().out.split())
    for panel, name in PANELS.items():
        diagnosis = DIAGNOSES[name]
        assert f"{panel} {name.upper()}. {diagnosis.clue} What to do: {diagnosis.remedy}" in text
