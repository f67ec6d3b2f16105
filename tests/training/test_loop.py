import copy
import math

import pytest
import torch
import torch.nn.functional as F
from kill_target import EPOCHS, STEPS, Training
from small_runs import lr_of, make_batches, make_model, same, sgd
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, TensorDataset

from course_utils.lr.one_cycle import OneCycle
from course_utils.training.checkpoint import load_checkpoint
from course_utils.training.evaluate import evaluate
from course_utils.training.history import NonFiniteLoss
from course_utils.training.loop import _to_channels_last, fit

# --- the loop ------------------------------------------------------------------------------------


def test_equals_hand_written_loop():
    """Are weights and every mean those of a loop by hand, with a last batch that is smaller?"""
    batches, model = make_batches(), make_model()
    twin = copy.deepcopy(model)
    by_hand, totals, losses = sgd(twin), [], []
    for _ in range(2):
        total = 0.0
        for inputs, targets in batches:
            loss = F.cross_entropy(twin(inputs), targets)
            loss.backward()
            by_hand.step()
            by_hand.zero_grad()
            losses.append(loss.item())
            total += loss.item() * len(targets)
        totals.append(total / 10)
    history = fit(model, sgd(model), batches, epochs=2)
    assert same(model.state_dict(), twin.state_dict())
    assert history.step_loss == losses
    assert history.train_loss == pytest.approx(totals, rel=1e-12)
    assert history.train_loss[0] != pytest.approx(sum(losses[:3]) / 3, rel=1e-3)
    assert (history.epochs, len(history.epoch_seconds)) == (2, 2)
    assert history.valid_loss == history.valid_accuracy == []


def test_validation_after_each_epoch():
    """Is each epoch's validation that of `evaluate` at that moment, and training unmoved by it?"""
    batches, model, alone = make_batches(), make_model(), make_model()
    optimizer, expected = sgd(alone), []
    for _ in range(3):
        fit(alone, optimizer, batches, epochs=1)
        expected.append(evaluate(alone, batches))
    history = fit(model, sgd(model), batches, epochs=3, valid_loader=batches)
    assert list(zip(history.valid_loss, history.valid_accuracy, strict=True)) == expected
    assert same(model.state_dict(), alone.state_dict())
    assert model.training


class Transfers(TorchDispatchMode):
    """Counts what makes the host wait for one number of a device."""

    def __init__(self):
        super().__init__()
        self.scalars = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.scalars += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def test_one_transfer_an_epoch(monkeypatch):
    """Do all losses of an epoch and its validation come to the host at once, and none alone?"""
    lists, original = [], torch.Tensor.tolist
    monkeypatch.setattr(
        torch.Tensor, "tolist", lambda self: lists.append(len(self)) or original(self)
    )
    training = Training()
    # Its batches' weights are tensors, as on a GPU those of every loss are.
    loss_function = nn.CrossEntropyLoss(weight=torch.ones(4))
    settings = {"valid_loader": training.valid_loader, "loss_function": loss_function}
    settings |= {"schedule": training.schedule, "record": {"lr": lr_of}}
    with Transfers() as transfers:
        assert float(torch.ones(())) == 1 and transfers.scalars == 1  # so it does count
        fit(training.model, training.optimizer, training.batches, epochs=EPOCHS, **settings)
    assert transfers.scalars == 1
    # a step's loss and its weight; a validation batch's, and the number of right answers
    assert lists == [20 * 2 + 2 * 3] * EPOCHS


@pytest.mark.parametrize("factory", [False, True])
def test_schedule_follows_each_step(factory):
    """Is the recorded LR the one that a step was taken with, for a schedule and a factory?"""
    model = make_model()
    optimizer = sgd(model, lr=1.0)

    def halve(optimizer):
        return LambdaLR(optimizer, lambda step: 0.5**step)

    schedule = halve if factory else halve(optimizer)
    record = {"lr": lr_of, "momentum": lambda optimizer: optimizer.param_groups[0]["momentum"]}
    settings = {"epochs": 2, "schedule": schedule, "record": record}
    history = fit(model, optimizer, make_batches(), **settings)
    assert history.recorded == {"lr": [0.5**step for step in range(6)], "momentum": [0.9] * 6}


def test_any_loader_and_loss():
    """May batches be a DataLoader, and the loss that of a regression, which has no accuracy?"""
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(torch.randn(20, 3), torch.randn(20, 1)), batch_size=8)
    model = nn.Linear(3, 1)
    settings = {"epochs": 2, "valid_loader": loader, "loss_function": F.mse_loss}
    history = fit(model, sgd(model, lr=0.01), loader, **settings)
    assert history.valid_loss[1] < history.valid_loss[0]
    assert all(map(math.isnan, history.valid_accuracy))


def test_progress(capsys):
    """Does the live line hold the results, and is nothing printed without it?"""
    model = make_model()
    fit(model, sgd(model), make_batches(), epochs=1)
    assert capsys.readouterr() == ("", "")
    settings = {"epochs": 2, "valid_loader": make_batches(), "progress": True}
    history = fit(model, sgd(model), make_batches(), **settings)
    printed = capsys.readouterr().err
    assert "6/6" in printed
    assert f"epoch 2: train loss {history.train_loss[1]:.3f}, valid loss" in printed


class Watcher:
    """Notes when it is opened, called and closed."""

    def __init__(self):
        self.notes = []

    def __enter__(self):
        self.notes.append("open")
        return self

    def __call__(self, history):
        self.notes.append((history.epochs, len(history.step_loss)))

    def __exit__(self, *error):
        self.notes.append("closed")


def test_watchers():
    """Is each callback called after each epoch, and one that can be opened open meanwhile?"""
    model, callback, losses = make_model(), Watcher(), []
    callbacks = [callback, lambda history: losses.append(history.train_loss[-1])]
    history = fit(model, sgd(model), make_batches(), epochs=2, callbacks=callbacks)
    assert callback.notes == ["open", (1, 3), (2, 6), "closed"]
    assert losses == history.train_loss


def test_watchers_are_closed_after_an_error():
    """Is a callback closed when the run breaks off?"""
    model, callback = make_model(), Watcher()
    with pytest.raises(ValueError, match="empty"):
        fit(model, sgd(model), [], epochs=1, callbacks=[callback])
    assert callback.notes == ["open", "closed"]


def test_watchers_of_a_run_that_goes_on(tmp_path):
    """Is a callback told at once what a run from a checkpoint has measured before?"""
    for epochs, notes in ((1, [(1, 3)]), (2, [(1, 3), (2, 6)]), (2, [(2, 6)])):
        model, callback = make_model(), Watcher()
        settings = {"checkpoint": tmp_path / "run.pt", "callbacks": [callback]}
        fit(model, sgd(model), make_batches(), epochs=epochs, **settings)
        assert callback.notes == ["open", *notes, "closed"]


def test_channels_last(monkeypatch):
    """Do only the weights of convolutions change their layout, and neither value nor identity?"""
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv3d(1, 2, 3), nn.Linear(4, 4))
    before = [(p, p.detach().clone()) for p in model.parameters()]
    monkeypatch.setattr(nn.Parameter, "is_cuda", True, raising=False)
    _to_channels_last(model)
    for parameter, (same_one, value) in zip(model.parameters(), before, strict=True):
        assert parameter is same_one and torch.equal(parameter, value)
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert model[1].weight.is_contiguous() and model[2].weight.is_contiguous()


# --- what goes wrong -----------------------------------------------------------------------------


def poisoned(step, value=math.nan):
    """Make batches, three an epoch, of which the one of a step (from 1) is not finite."""

    class Batches:
        count = 0

        def __iter__(self):
            for inputs, targets in make_batches():
                self.count += 1
                yield (inputs * value if self.count == step else inputs), targets

    return Batches()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_non_finite_loss(value, tmp_path):
    """Are epoch and step named, the history kept up to there, and the good checkpoint as well?"""
    model, path = make_model(), tmp_path / "run.pt"
    settings = {"epochs": 4, "record": {"lr": lr_of}, "checkpoint": path}
    with pytest.raises(NonFiniteLoss, match="at step 2 of epoch 3: lower the learning") as error:
        fit(model, sgd(model), poisoned(8, value), **settings)
    history = error.value.history
    assert history.epochs == 2
    assert len(history.step_loss) == len(history.recorded["lr"]) == 7
    assert all(map(math.isfinite, history.step_loss))
    assert len(load_checkpoint(path)["log"]["history"]["step_loss"]) == 6


def test_non_finite_loss_is_not_saved(tmp_path):
    """Does a save in mid-epoch stop at a loss that is not finite and leave the file as it was?"""
    training, path = Training(), tmp_path / "run.pt"
    steps = iter(range(1, STEPS))

    def at_step():
        if next(steps) == 27:  # the seventh step of epoch 2, between two saves
            training.model[0].weight.data.fill_(math.nan)

    training.at_step = at_step
    with pytest.raises(NonFiniteLoss, match="at step 8 of epoch 2"):
        training.fit(path)
    log = load_checkpoint(path)["log"]
    assert len(log["sizes"]) == 6 and len(log["history"]["step_loss"]) == 26


def test_non_finite_validation():
    """Is a validation loss that is not finite named as such?"""
    model = make_model()
    bad = [(torch.full((4, 6), math.inf), torch.zeros(4, dtype=torch.long))]
    with pytest.raises(NonFiniteLoss, match="nan on the validation batches after epoch 1"):
        fit(model, sgd(model), make_batches(), epochs=2, valid_loader=bad)


def test_overflowing_learning_rate():
    """Does a learning rate that is far too high end in the same sentence?"""
    model = nn.Linear(6, 1)
    batches = [(inputs, targets[:, None].float()) for inputs, targets in make_batches()]
    with pytest.raises(NonFiniteLoss, match="lower the learning rate"):
        fit(model, sgd(model, lr=1e6), batches, epochs=50, loss_function=F.mse_loss)


WRONG_SETTINGS = {
    "no epoch": ({"epochs": 0}, "epochs is 0, but must be an integer of at least 1"),
    "part of an epoch": ({"epochs": 1.5}, "epochs is 1.5, but must be an integer"),
    "save_every": ({"save_every": 0, "checkpoint": "x"}, "save_every is 0, but must be an integer"),
    "no file": ({"save_every": 5}, "save_every needs a file to save to"),
    "list": ({"save_every": 5, "checkpoint": "x"}, "loader is a list, which cannot go on in the"),
    "schedule": ({"schedule": 3}, r"schedule is 3, which has no step\(\)"),
}


@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_wrong_settings(name):
    """Does each setting that cannot work get its own sentence, before anything is trained?"""
    settings, sentence = WRONG_SETTINGS[name]
    model = make_model()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=sentence):
        fit(model, sgd(model), make_batches(), **({"epochs": 1} | settings))
    assert same(model.state_dict(), before)


def test_empty_batches():
    """Are empty batches refused in a sentence?"""
    model = make_model()
    with pytest.raises(ValueError, match="batches are empty in epoch 1: give a loader"):
        fit(model, sgd(model), [], epochs=1)


@pytest.mark.parametrize("name", ["loader", "valid_loader"])
def test_one_shot_iterator(name):
    """Is an iterator that has one epoch only refused before the first step?"""
    model, loaders = make_model(), {"loader": make_batches(), "valid_loader": make_batches()}
    loaders[name] = iter(loaders[name])
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=f"^{name} is a one-shot iterator .* not for 2"):
        fit(model, sgd(model), **loaders, epochs=2)
    assert same(model.state_dict(), before)


def test_empty_validation():
    """Are empty validation batches refused in a sentence?"""
    model = make_model()
    with pytest.raises(ValueError, match="batches to evaluate on are empty"):
        fit(model, sgd(model), make_batches(), epochs=1, valid_loader=[])


def test_frozen_model():
    """Is a model that has nothing to train refused?"""
    model = make_model()
    optimizer = sgd(model)
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="no trainable parameter"):
        fit(model, optimizer, make_batches(), epochs=1)


def test_learning_rate_zero():
    """Is an LR of 0 in all groups refused, but not a schedule that warms up from 0?"""
    model = make_model()
    with pytest.raises(ValueError, match="learning rate is 0 in every parameter group"):
        fit(model, sgd(model, lr=0.0), make_batches(), epochs=1)
    warm_up = {"schedule": lambda optimizer: LambdaLR(optimizer, lambda step: step / 3)}
    history = fit(model, sgd(model), make_batches(), epochs=1, record={"lr": lr_of}, **warm_up)
    assert history.recorded["lr"][0] == 0.0


def test_a_finished_run_goes_on_with_a_longer_schedule(tmp_path):
    """Does a finished 1cycle run with a checkpoint go on when epochs and schedule are extended?"""
    path = tmp_path / "run.pt"

    def run(epochs, extra):
        model = make_model()
        optimizer = sgd(model)
        schedule = OneCycle(optimizer, 0.1, 6)
        if extra:
            schedule.extend(extra)
        return fit(
            model, optimizer, make_batches(), epochs=epochs, schedule=schedule, checkpoint=path
        )

    assert run(2, 0).epochs == 2
    assert run(4, 6).epochs == run(4, 6).epochs == 4
