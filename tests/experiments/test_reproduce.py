import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch
from editions.student import student_editions
from nbclient import NotebookClient
from tiny_notebooks import REPOSITORY
from torchvision.datasets import CIFAR10

from course_utils.lessons import lesson_04, lesson_05
from course_utils.lessons.lesson_04 import PUBLISHED, Run
from experiments import reproduce
from experiments.result_file import ResultFile


@pytest.fixture(autouse=True)
def smoke(monkeypatch):
    """Run the smoke profile on a few generated images."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")


@pytest.fixture
def command(tmp_path):
    """Return the command, shrunk to the smoke profile, and its file of results."""
    path = tmp_path / "results.json"

    def run(*arguments):
        folders = ["--results", str(path), "--checkpoints", str(tmp_path / "checkpoints")]
        reproduce.main([*arguments, *folders])

    return run, path


@pytest.mark.slow
def test_runs_are_stored_and_not_repeated(command, capsys):
    """Is each seed's accuracy stored with device and date, and only what lacks run later?"""
    run, path = command
    run("resnet56-1cycle-50", "--seeds", "1")
    (first,) = json.loads(path.read_text())["resnet56-1cycle-50"].values()
    assert first.keys() == {"accuracy", "seconds", "date", "device", "torch", "compiled", "ranks"}
    assert 0 <= first["accuracy"] <= 100 and first["device"] == "CPU"
    capsys.readouterr()
    run("resnet56-1cycle-50", "--seeds", "2")
    runs = json.loads(path.read_text())["resnet56-1cycle-50"]
    assert list(runs) == ["seed 0", "seed 1"] and runs["seed 0"] == first
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.slow
def test_beginning_of_names(command):
    """Does the beginning of a name run all experiments whose names begin so, and no other?"""
    run, path = command
    run("resnet56", "--seeds", "1")
    names = [f"resnet56-1cycle-{epochs}" for epochs in (50, 70, 95)] + ["resnet56-step-decay"]
    assert list(ResultFile(path).read()) == names


@pytest.mark.slow
def test_momentum_chooses_its_peak(command):
    """Is every peak tried on each seed, and only the best by validation accuracy tested?"""
    run, path = command
    run("resnet20-momentum-cyclical", "--seeds", "2")
    runs = ResultFile(path).read()["resnet20-momentum-cyclical"]
    valid = {
        peak: [runs[f"validation, peak {peak:g}, seed {seed}"]["accuracy"] for seed in (0, 1)]
        for peak in lesson_05.settings().peaks
    }
    best = lesson_05.best_peak(valid)
    tests = [name for name in runs if name.startswith("test")]
    assert tests == [f"test, peak {best:g}, seed {seed}" for seed in (10, 11)]


@pytest.mark.slow
def test_unfinished_run_goes_on(command, monkeypatch, capsys):
    """Does a run that is cut off go on from its checkpoint, and end like one that was not?"""
    run, path = command
    run("resnet56-1cycle-70", "--seeds", "1")
    expected = ResultFile(path).read()["resnet56-1cycle-70"]["seed 0"]["accuracy"]
    path.unlink()
    (path.parent / "checkpoints" / "resnet56-1cycle-70-0.pt").unlink()
    calls, train = [], Run.train

    def cut_off(self, *args, **settings):
        def stop(history):
            calls.append(history.epochs)
            if len(calls) == 2:
                raise KeyboardInterrupt

        return train(self, *args, **settings, callbacks=[stop])

    monkeypatch.setattr(Run, "train", cut_off)
    with pytest.raises(KeyboardInterrupt):
        run("resnet56-1cycle-70", "--seeds", "1")
    run("resnet56-1cycle-70", "--seeds", "1")
    assert calls == [1, 2, 2, 3]  # the resumed run tells of what it found, then trains the third
    assert ResultFile(path).read()["resnet56-1cycle-70"]["seed 0"]["accuracy"] == expected


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["resnet57"], "No experiment begins with 'resnet57': take one of resnet56-1cycle-95"),
        (["resnet56", "--seeds", "0"], "--seeds is 0, but must be at least 1"),
    ],
)
def test_wrong_arguments(command, capsys, arguments, words):
    """Is a wrong argument named in a sentence?"""
    with pytest.raises(SystemExit):
        command[0](*arguments)
    assert words in capsys.readouterr().err


def test_quick_profile(monkeypatch):
    """Does the quick profile end the command with one sentence that says what to set?"""
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    with pytest.raises(SystemExit, match="COURSE_PROFILE is 'quick'.*set it to 'full'"):
        reproduce.main(["resnet56"])


def test_missing_images(command, monkeypatch, tmp_path):
    """Does a folder without images and without a network end the command with one sentence?"""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/nothing")
    with pytest.raises(SystemExit, match="nowhere"):
        command[0]("resnet56-1cycle-50")


@pytest.mark.slow
def test_two_ranks(command, tmp_path):
    """Do two ranks under torchrun train one model, and rank 0 alone store and tell its result?"""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    options = ["--seeds", "1", "--results", str(command[1]), "--checkpoints", str(tmp_path)]
    name = "resnet56-1cycle-95"
    done = subprocess.run(
        [*launch, "-m", "experiments.reproduce", name, *options],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(name) == 1
    assert ResultFile(command[1]).read()[name]["seed 0"]["ranks"] == 2


def machine(tmp_path, compiled=False):
    return reproduce.Machine(torch.device("cpu"), compiled, tmp_path / "checkpoints")


def test_published_settings(monkeypatch):
    """Has each published row its experiment, with the lesson's own run and He's 64,000 steps?"""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    known = reproduce.experiments()
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
    ((run, accuracy),) = reproduce.experiments()[name](name, 1, machine(tmp_path), {})
    assert run == "seed 0" and 0 <= accuracy() <= 100
    assert sizes == [160]


@pytest.mark.slow
def test_compiled_in_place(tmp_path):
    """Does a compiled model keep the names of its state, so that checkpoints fit both?"""
    settings = machine(tmp_path, compiled=True).prepare(lesson_04.settings())
    assert settings.model().state_dict().keys() == lesson_04.settings().model().state_dict().keys()
    assert machine(tmp_path).prepare(settings) is settings


def test_divergence_counts_as_guessing(tmp_path):
    """Is a run whose loss becomes infinite given the accuracy of guessing?"""
    run = lesson_04.Run("constant", 1, lr=1e30, batch_size=16)
    ((_, accuracy),) = reproduce._schedule_jobs(run, "x", 1, machine(tmp_path), {})
    assert accuracy() == 10
    assert not Path(tmp_path / "checkpoints" / "x-0.pt").exists()


# Not every lesson prints what it has loaded.
NAME_IMAGES = """
from course_utils.data import ImageDataset
print({value.name for value in [*globals().values()] if isinstance(value, ImageDataset)})
"""
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_full_profile_runs(path, tmp_path, monkeypatch):
    """Runs a student's lesson in any folder, on the full profile's path shrunk to a few steps?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    notebook = nbformat.reads(student_editions([path])[path.name], as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(NAME_IMAGES))
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": tmp_path}}).execute()
    check = next(cell for cell in notebook.cells if "check" in cell.metadata.get("tags", ()))
    assert "not attempted yet" in check.outputs[0].text
    text = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    images = "simulated scenes" if path.stem.startswith("09") else "patterns"
    assert images in text and "Fashion-MNIST" not in text
