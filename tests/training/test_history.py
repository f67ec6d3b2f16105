import json
import math

import pytest
import torch
from torch import nn

from course_utils.training.evaluate import Measures
from course_utils.training.history import History, NonFiniteLoss, RunLog


def test_epochs():
    """Is the number of epochs that of the finished ones?"""
    assert History().epochs == 0
    assert History(train_loss=[1.0, 0.5]).epochs == 2


def test_last_epoch_in_words():
    """Does the progress line say the last epoch's results, with validation where there is one?"""
    assert History().last_epoch == ""
    assert History([2.0, 1.5]).last_epoch == "epoch 2: train loss 1.500"
    history = History([2.0], [1.25], [0.5])
    assert history.last_epoch == "epoch 1: train loss 2.000, valid loss 1.250, accuracy 0.500"


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_non_finite_loss(loss):
    """Does the error say the loss, the place and the remedy, and carry what was measured?"""
    history = History([1.0])
    error = NonFiniteLoss(loss, "at step 3 of epoch 2", history)
    assert str(error).startswith(
        f"The loss is {loss} at step 3 of epoch 2: lower the learning rate"
    )
    assert error.history is history


OPTIMIZER = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.5)


def filled(losses, sizes, record=None):
    log = RunLog(record or {})
    for loss, size in zip(losses, sizes, strict=True):
        log.add_step(torch.tensor(loss), size, OPTIMIZER)
    return log


def measured(losses, sizes, correct=0.0):
    """Return what a validation measured."""
    result = Measures()
    result.losses = list(map(torch.tensor, losses))
    result.weights = result.sizes = sizes
    result.correct = [torch.tensor(correct)] * len(losses)
    return result


def test_means_are_weighted():
    """Is an epoch's mean weighted by the batches' sizes, in training as in validation?"""
    log = filled([1.0, 2.0], [3, 1])
    log.finish_epoch(measured([4.0, 8.0], [1, 3], correct=1.0))
    assert log.history.train_loss == [1.25]
    assert log.history.valid_loss == [7.0] and log.history.valid_accuracy == [0.5]
    assert log.history.step_loss == [1.0, 2.0] and log.weights == []


def test_recorded_values():
    """Is each recorded value kept once a step?"""
    log = filled([1.0, 2.0], [1, 1], {"lr": lambda optimizer: optimizer.param_groups[0]["lr"]})
    log.finish_epoch(None)
    assert log.history.recorded == {"lr": [0.5, 0.5]}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_non_finite_step(bad):
    """Does a loss that is not finite raise with its step and epoch, and keep what was before?"""
    log = filled([1.0, bad, 2.0], [1, 1, 1], {"one": lambda optimizer: 1.0})
    with pytest.raises(NonFiniteLoss, match="at step 2 of epoch 1") as caught:
        log.finish_epoch(None)
    assert caught.value.history.step_loss == [1.0]
    assert caught.value.history.recorded == {"one": [1.0]}


def test_non_finite_validation():
    """Does a validation loss that is not finite name its epoch?"""
    log = filled([1.0], [1])
    with pytest.raises(NonFiniteLoss, match="on the validation batches after epoch 1"):
        log.finish_epoch(measured([math.nan], [1]))


def test_empty_epoch():
    """Does an epoch without a batch raise a sentence that names the epoch?"""
    with pytest.raises(ValueError, match="batches are empty in epoch 1"):
        RunLog({}).finish_epoch(None)


def test_continues_in_the_middle_of_an_epoch():
    """Does a log that was stored in the middle of an epoch end as one that was not?"""
    log = filled([1.0, 2.0], [3, 1])
    continued = RunLog({})
    continued.load_state_dict(json.loads(json.dumps(log.state_dict())))  # as through a file
    for each in (log, continued):
        each.add_step(torch.tensor(5.0), 4, OPTIMIZER)
        each.finish_epoch(None)
    assert continued.history.train_loss == log.history.train_loss == [(3 + 2 + 20) / 8]
    assert continued.history.step_loss == [1.0, 2.0, 5.0]
