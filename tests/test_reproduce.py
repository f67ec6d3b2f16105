import json
import subprocess
import sys

import pytest

from course_utils import reproduce
from course_utils.generated import write_generated_cifar10
from course_utils.lessons import lesson_05
from course_utils.lessons.lesson_04 import Run
from course_utils.result_file import ResultFile


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return the command, shrunk to the smoke profile, and its file of results."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    write_generated_cifar10(tmp_path, num_train=120, num_test=40)
    path = tmp_path / "results.json"

    def run(*arguments):
        folders = ["--results", str(path), "--checkpoints", str(tmp_path / "checkpoints")]
        reproduce.main([*arguments, *folders])

    return run, path


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


def test_beginning_of_names(command):
    """Does the beginning of a name run all experiments whose names begin so, and no other?"""
    run, path = command
    run("resnet56", "--seeds", "1")
    names = [f"resnet56-1cycle-{epochs}" for epochs in (50, 70, 95)] + ["resnet56-step-decay"]
    assert list(ResultFile(path).read()) == names


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

        return train(self, *args, **settings, watchers=[stop])

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
    """Does a folder without images end the command with one sentence?"""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match="nowhere"):
        command[0]("resnet56-1cycle-50")


def test_two_ranks(command, tmp_path):
    """Do two ranks under torchrun train one model, and rank 0 alone store and tell its result?"""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    options = ["--seeds", "1", "--results", str(command[1]), "--checkpoints", str(tmp_path)]
    name = "resnet56-1cycle-95"
    done = subprocess.run(
        [*launch, "-m", "course_utils.reproduce", name, *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(name) == 1
    assert ResultFile(command[1]).read()[name]["seed 0"]["ranks"] == 2
