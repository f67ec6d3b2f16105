import copy
import os
import pickle
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from kill_target import STEPS, Training
from small_runs import BATCH_SIZES, lr_of, make_batches, make_data, make_model, same, sgd
from tiny_notebooks import REPOSITORY
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

from course_utils.training.checkpoint import RunCheckpoint, load_checkpoint, save_checkpoint
from course_utils.training.history import RunLog
from course_utils.training.loop import fit
from course_utils.training.step import TrainStep

KILLS = [(random.Random(seed).randint(4, 45), "step") for seed in range(4)]
KILLS += [(31, "write"), (47, "write")]


@pytest.fixture(scope="module")
def undisturbed():
    training = Training()
    training.fit()
    return training.end()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Run trainings that are killed and return their checkpoints by kill."""
    target = REPOSITORY / "tests/helpers/kill_target.py"
    paths = {kill: tmp_path_factory.mktemp("killed") / "run.pt" for kill in KILLS}
    runs = [str(word) for (step, where), path in paths.items() for word in (path, step, where)]
    settings = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(target), *runs],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        timeout=500,
        check=True,
    )
    assert done.stdout.split() == [b"9"] * len(KILLS)  # by SIGKILL
    return paths


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("kill", KILLS)
def test_killed_and_resumed(kill, killed, undisturbed):
    """Does a training that is killed, at a step or in a write, end bit-equal when resumed?"""
    step, where = kill
    path = killed[kill]
    done = len(load_checkpoint(path)["log"]["history"]["step_loss"])
    assert step - 3 <= done < STEPS
    if where == "write":
        (unfinished,) = path.parent.glob("*.tmp")  # so it was in the middle of one
        assert 0 < unfinished.stat().st_size < path.stat().st_size
        with pytest.raises(ValueError):
            load_checkpoint(unfinished)
    training = Training()
    training.fit(path)
    assert same(training.end(), undisturbed)


class Stop(KeyboardInterrupt):
    """Ctrl-C, but never the tester's own."""


def stop_after(steps):
    rest = iter(range(steps))

    def at_step():
        if next(rest, None) is None:
            raise Stop

    return at_step


@pytest.mark.parametrize("afresh", [True, False])
def test_interrupted_anywhere(afresh, tmp_path, undisturbed):
    """Is the end bit-equal after Ctrl-C at any step, with objects built anew or the old ones?"""
    for step in range(0, STEPS, 7 if afresh else 11):
        path, training = tmp_path / f"{step}.pt", Training()
        training.at_step = stop_after(step)
        with pytest.raises(Stop):
            training.fit(path, save_every=3)
        if afresh or not path.exists():
            training = Training()
        training.at_step = lambda: None
        training.fit(path, save_every=5)
        assert same(training.end(), undisturbed), step


def test_interrupted_in_validation(tmp_path, undisturbed, monkeypatch):
    """Is an epoch whose last step was due to be saved not trained again when validation stops?"""
    path, training = tmp_path / "run.pt", Training()

    def stop(*arguments):
        raise Stop

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr("course_utils.training.loop.measure", stop)
        training.fit(path, save_every=5)  # an epoch has 20 steps
    assert len(load_checkpoint(path)["log"]["sizes"]) == 15
    training = Training()
    training.fit(path, save_every=5)
    assert same(training.end(), undisturbed)


def test_saves_change_nothing(tmp_path, undisturbed):
    """Is a run that is saved at every step bit-equal to one that is not saved at all?"""
    training = Training()
    training.fit(tmp_path / "run.pt", save_every=1)
    assert same(training.end(), undisturbed)


def test_finished_run(tmp_path, undisturbed):
    """Does a finished run come back at once, with model, schedule and history as at its end?"""
    path = tmp_path / "run.pt"
    Training().fit(path)
    training = Training()
    training.at_step = stop_after(0)  # one step would raise
    training.fit(path)
    assert same(training.end(), undisturbed)


def make_loader(kind):
    data = TensorDataset(*make_data(40))
    generator = torch.Generator().manual_seed(1) if kind == "own generator" else None
    return DataLoader(data, batch_size=8, shuffle=True, generator=generator)


@pytest.mark.parametrize("kind", ["own generator", "global generator"])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_goes_on_with_more_epochs(kind, optimizer, tmp_path):
    """Does a run of 2 epochs, asked for 5, end like one of 5, with a DataLoader's own shuffling?"""
    path = tmp_path / "run.pt"

    def train(epochs, checkpoint=None):
        model = make_model()
        loader = make_loader(kind)
        state = optimizer(model.parameters(), lr=0.01)
        history = fit(
            model, state, loader, epochs=epochs, valid_loader=loader, checkpoint=checkpoint
        )
        return model.state_dict(), state.state_dict(), history.step_loss, history.valid_loss

    expected = train(5)
    train(2, path)
    torch.manual_seed(99)
    assert same(train(5, path), expected)
    assert len(expected[2]) == 25


def test_torch_schedule(tmp_path):
    """Does a PyTorch schedule go on where it was, cycled momentum included?"""

    def train(checkpoint=None, stop=None):
        model = make_model()
        optimizer = sgd(model)
        settings = {"max_lr": 0.5, "total_steps": 12, "three_phase": True}
        schedule = OneCycleLR(optimizer, **settings)
        momentum = {"momentum": lambda optimizer: optimizer.param_groups[0]["momentum"]}
        record = {"lr": lr_of, "stop": stop or (lambda optimizer: 0.0), **momentum}
        settings = {"epochs": 4, "schedule": schedule, "record": record, "checkpoint": checkpoint}
        history = fit(model, optimizer, make_batches(), **settings)
        return model.state_dict(), history.recorded

    path, halt = tmp_path / "run.pt", stop_after(8)
    with pytest.raises(Stop):
        train(path, stop=lambda optimizer: halt() or 0.0)
    assert same(train(path), train())


def test_checkpoint_from_before_ranks(tmp_path, undisturbed):
    """Does a run go on from a file that was written when there were no ranks yet?"""
    path, training = tmp_path / "run.pt", Training()
    training.at_step = stop_after(31)
    with pytest.raises(Stop):
        training.fit(path)
    state = load_checkpoint(path)
    del state["other_ranks"], state["settings"]["number of ranks"]
    save_checkpoint(path, state)
    training = Training()
    training.fit(path)
    assert same(training.end(), undisturbed)


def finished(path, **changes):
    """Train one epoch of a run with a few settings that may be changed."""
    settings = {"lr": 0.1, "sizes": BATCH_SIZES, "width": 8, "epochs": 1, "seed": 0} | changes
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, settings["width"]), nn.Linear(settings["width"], 3))
    schedule = settings.get("schedule")
    fit(
        model,
        settings.get("optimizer", sgd)(model, settings["lr"]),
        make_batches(settings["sizes"]),
        epochs=settings["epochs"],
        schedule=schedule,
        valid_loader=settings.get("valid_loader"),
        record=settings.get("record"),
        checkpoint=path,
    )


OTHER_RUNS = {
    "batches": ({"sizes": [5, 5]}, "number of batches per epoch is 3, but here it is 2"),
    "shape": ({"width": 9}, r"shape of 0.weight is \[8, 6\], but here it is \[9, 6\]"),
    "lr": ({"lr": 0.2}, "lr of group 0 is 0.1, but here it is 0.2"),
    "record": ({"record": {"lr": lr_of}}, r"recorded values is \[\], but here it is \['lr'\]"),
    "validation": ({"valid_loader": make_batches()}, "number of validation batches is 0, but"),
    "schedule": ({"schedule": lambda o: LambdaLR(o, lambda s: 1.0)}, "list of parts is"),
    "optimizer": (
        {"optimizer": lambda model, lr: torch.optim.Adam(model.parameters(), lr=lr)},
        "optimizer is SGD, but here it is Adam",
    ),
}


@pytest.mark.parametrize("name", OTHER_RUNS)
def test_checkpoint_of_another_run(name, tmp_path):
    """Is each difference between the saved run and this one named, with the remedy?"""
    path = tmp_path / "run.pt"
    finished(path)
    before = path.read_bytes()
    changes, sentence = OTHER_RUNS[name]
    with pytest.raises(ValueError, match=f"run.pt is of another run: its .*{sentence}.*delete"):
        finished(path, **changes)
    assert path.read_bytes() == before


def test_other_seed(tmp_path):
    """Is the second of two runs that share a file, with another seed of the batches, refused?"""
    path, second = tmp_path / "run.pt", Training()
    Training().fit(path)
    second.batches.seed = 4
    with pytest.raises(ValueError, match="its batches.seed is 3, but here it is 4"):
        second.fit(path)


def test_fewer_epochs_than_done(tmp_path):
    """Is a run with more epochs than are asked for refused, and the model left alone?"""
    path, model = tmp_path / "run.pt", make_model()
    fit(model, sgd(model), make_batches(), epochs=3, checkpoint=path)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match="is in epoch 3 already, but epochs is 2: ask for"):
        fit(model, sgd(model), make_batches(), epochs=2, checkpoint=path)
    assert same(model.state_dict(), before)


def test_schedule_without_state(tmp_path):
    """Is a schedule that cannot be saved refused before training?"""

    class Schedule:
        def step(self):
            raise AssertionError("trained")

    model = make_model()
    settings = {"epochs": 1, "schedule": Schedule(), "checkpoint": tmp_path / "run.pt"}
    with pytest.raises(ValueError, match="Schedule has no state_dict and load_state_dict"):
        fit(model, sgd(model), make_batches(), **settings)


# --- parts that `fit` needs on few machines ---


class Net(nn.Module):
    """A net with a buffer that its state_dict leaves out."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 2)
        self.register_buffer("hidden", torch.zeros(()), persistent=False)

    def forward(self, inputs):
        self.hidden = self.hidden + 1
        return self.body(inputs)


def build(path, *, lr=0.1, scaler=True):
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    step = TrainStep(model, optimizer)
    parts = {"log": RunLog({}), "batches": BATCHES}
    if scaler:
        step.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        parts["scaler"] = step.scaler
    return step, RunCheckpoint(path, model, optimizer, parts)


BATCHES = [(torch.ones(3, 2), torch.tensor([0, 1, 1]))]


def test_scaler_and_hidden_buffers(tmp_path):
    """Do the gradient scaler and buffers outside the state_dict come back?"""
    step, saved = build(tmp_path / "run.pt")
    step(*BATCHES)
    step((BATCHES[0][0] * float("inf"), BATCHES[0][1]))  # skipped: halves the scale
    saved.save()
    expected = copy.deepcopy(step.scaler.state_dict())
    assert (expected["scale"], step.model.hidden) == (4.0, 2)
    other, resumed = build(tmp_path / "run.pt")
    resumed.restore(epochs=1)
    other.scaler.scale(torch.ones(()))  # the scale exists from the first use on
    assert other.scaler.state_dict() == expected
    assert other.model.hidden == 2


def test_tensor_learning_rate(tmp_path):
    """Is a learning rate in a tensor compared by its value?"""
    step, saved = build(tmp_path / "run.pt", lr=torch.tensor(0.5), scaler=False)
    saved.save()
    build(tmp_path / "run.pt", lr=torch.tensor(0.5), scaler=False)[1].restore(epochs=1)
    other = build(tmp_path / "run.pt", lr=torch.tensor(0.25), scaler=False)[1]
    with pytest.raises(ValueError, match="lr of group 0 is 0.5, but here it is 0.25"):
        other.restore(epochs=1)


def test_scaler_on_one_side(tmp_path):
    """Is a run that was saved with a gradient scaler refused where there is none?"""
    build(tmp_path / "run.pt")[1].save()
    with pytest.raises(ValueError, match="is of another run: its list of parts is"):
        build(tmp_path / "run.pt", scaler=False)[1].restore(epochs=1)


def test_no_training_run(tmp_path):
    """Is a checkpoint of something else refused?"""
    save_checkpoint(tmp_path / "run.pt", {"weights": torch.ones(2)})
    with pytest.raises(ValueError, match="run.pt holds no training run: give fit another"):
        build(tmp_path / "run.pt")[1].restore(epochs=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.pt"


def test_round_trip(path):
    """Do tensors of all kinds and plain values come back as they were, in a new folder too?"""
    state = {
        "weights": {"a": torch.randn(3, 4), "b": torch.arange(5), "half": torch.ones(2).bfloat16()},
        "history": [0.1, 1e-300, float("inf"), 3, None, True, "words"],
        "rng": (3, (2**31, 7), torch.get_rng_state()),
    }
    path = path.parent / "new" / "folder" / "run.pt"
    save_checkpoint(path, state)
    loaded = load_checkpoint(path)
    for name, tensor in state["weights"].items():
        assert torch.equal(loaded["weights"][name], tensor)
        assert loaded["weights"][name].dtype == tensor.dtype
    assert loaded["history"] == state["history"]
    assert loaded["rng"][:2] == state["rng"][:2]
    assert torch.equal(loaded["rng"][2], state["rng"][2])
    assert list(path.parent.iterdir()) == [path]


def test_numpy_numbers(path):
    """Does a learning rate that NumPy computed come back as Python's number, bit-equal?"""
    lr = np.geomspace(1e-3, 1, 4)[1]
    save_checkpoint(path, {"groups": [{"lr": lr, "steps": np.int64(3)}], "pair": (lr, 1)})
    state = load_checkpoint(path)
    assert state == {"groups": [{"lr": float(lr), "steps": 3}], "pair": (float(lr), 1)}
    assert type(state["groups"][0]["lr"]) is float


class Widget:
    """An object that only running code could load."""


@pytest.mark.parametrize("value", [Widget(), np.ones(3), lambda: None], ids=["w", "np", "lambda"])
def test_refused_state(path, value):
    """Is what could not be loaded again refused when it is saved, and the old file kept?"""
    save_checkpoint(path, {"a": 1})
    with pytest.raises(ValueError, match=r"cannot be kept in a checkpoint \(.+give tensors"):
        save_checkpoint(path, {"values": [value]})
    assert load_checkpoint(path) == {"a": 1}


def test_failed_write(path, monkeypatch):
    """Is the old file whole when the disk is full, and nothing left beside it?"""
    save_checkpoint(path, {"a": 1})

    def full(number):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, {"a": 2})
    assert load_checkpoint(path) == {"a": 1}
    assert list(path.parent.iterdir()) == [path]


def test_missing(path):
    """Does a missing file raise a sentence with its path and the remedy?"""
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*run\.pt: correct the path"):
        load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        load_checkpoint(path.parent)  # a folder


def damaged(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.pt is damaged, or is no .* delete it") as error:
        load_checkpoint(path)
    assert str(error.value).count("\n") == 0


def test_truncated(path):
    """Does a file that was cut anywhere raise a sentence that names the remedy?"""
    save_checkpoint(path, {"a": torch.arange(100)})
    content = path.read_bytes()
    for length in range(0, len(content), max(1, len(content) // 60)):
        damaged(path, content[:length])


def test_flipped_bit(path):
    """Is one wrong bit in the middle of a tensor found?"""
    save_checkpoint(path, {"a": torch.arange(1000)})
    content = path.read_bytes()
    place = content.index(torch.arange(1000).numpy().tobytes()) + 4000
    damaged(path, content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])


def test_foreign(path):
    """Do text, an image, another archive and a bare pickle raise the same sentence?"""
    damaged(path, b"lr,loss\n0.1,2.3\n" * 50)
    damaged(path, b"\x89PNG\r\n\x1a\n" + bytes(500))
    damaged(path, pickle.dumps({"format": "course_utils checkpoint 1", "state": {}}))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no tensors here")
    damaged(path, path.read_bytes())


@pytest.mark.parametrize("content", [{"weights": torch.ones(2)}, torch.ones(2), {"format": "2"}])
def test_other_pytorch_file(path, content):
    """Is a sound file of torch.save that is none of ours told apart?"""
    torch.save(content, path)
    with pytest.raises(ValueError, match="PyTorch file, but none that save_checkpoint wrote"):
        load_checkpoint(path)


class Trap:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_pickled_code(path):
    """Is code that hides in a file never run?"""
    folder = path.parent / "trapped"
    torch.save({"format": "course_utils checkpoint 1", "state": Trap(folder)}, path)
    damaged(path, path.read_bytes())
    assert not folder.exists()
    torch.load(path, weights_only=False)
    assert folder.exists()  # so it was a trap
