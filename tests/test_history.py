import pytest

from course_utils.history import History, NonFiniteLoss


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
