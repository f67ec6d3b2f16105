from pathlib import Path

import pytest
import torch

from course_utils.generated import write_generated_cifar10
from course_utils.lessons import full_size, lesson_04
from course_utils.lessons.published import PUBLISHED


@pytest.fixture(autouse=True)
def smoke(monkeypatch, tmp_path):
    """Run the smoke profile on a few generated images."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    write_generated_cifar10(tmp_path, num_train=120, num_test=40)


def machine(tmp_path, compiled=False):
    return full_size.Machine(torch.device("cpu"), compiled, tmp_path / "checkpoints")


def test_published_settings(monkeypatch):
    """Has each published row its experiment, with the lesson's own run and He's 64,000 steps?"""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    known = full_size.experiments()
    assert {name for _, _, name in PUBLISHED} == {n for n in known if n.startswith("resnet56")}
    for run in lesson_04.settings().runs:
        assert known[f"resnet56-1cycle-{run.epochs}"].args == (run,)
    (decay,) = known["resnet56-step-decay"].args
    steps = decay.epochs * (50_000 // decay.batch_size)
    assert (decay.lr, decay.batch_size, steps) == (0.1, 128, pytest.approx(64_000, rel=0.01))


def test_no_image_is_held_out(tmp_path, monkeypatch):
    """Does a schedule train on all training images, since nothing is chosen on others?"""
    sizes = []

    def note(self, settings, images, seed, **more):
        sizes.append(len(images))
        return settings.model(), None

    monkeypatch.setattr(lesson_04.Run, "train", note)
    name = "resnet56-1cycle-50"
    ((run, accuracy),) = full_size.experiments()[name](name, 1, machine(tmp_path), {})
    assert run == "seed 0" and 0 <= accuracy() <= 100
    assert sizes == [120]


def test_compiled_in_place(tmp_path):
    """Does a compiled model keep the names of its state, so that checkpoints fit both?"""
    settings = machine(tmp_path, compiled=True).prepare(lesson_04.settings())
    assert settings.model().state_dict().keys() == lesson_04.settings().model().state_dict().keys()
    assert machine(tmp_path).prepare(settings) is settings


def test_divergence_counts_as_guessing(tmp_path):
    """Is a run whose loss becomes infinite given the accuracy of guessing?"""
    run = lesson_04.Run("constant", 1, lr=1e30, batch_size=16)
    ((_, accuracy),) = full_size._schedule_jobs(run, "x", 1, machine(tmp_path), {})
    assert accuracy() == 10
    assert not Path(tmp_path / "checkpoints" / "x-0.pt").exists()


def test_quick_profile(monkeypatch):
    """Is the quick profile refused with a sentence?"""
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    with pytest.raises(ValueError, match="COURSE_PROFILE is 'quick'.*set it to 'full'"):
        full_size.experiments()
