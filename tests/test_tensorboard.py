import sys

import pytest
from small_runs import lr_of, make_batches, make_model, sgd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from course_utils.history import NonFiniteLoss
from course_utils.tensorboard import TensorBoardLog
from course_utils.training import fit


def train(folder, epochs=2, **settings):
    model = make_model()
    batches = make_batches()
    options = {"valid_batches": batches, "record": {"lr": lr_of}, **settings}
    return fit(
        model, batches, sgd(model), epochs=epochs, watchers=[TensorBoardLog(folder)], **options
    )


def read(folder):
    """Return tag -> [(step, value)], as TensorBoard shows the folder."""
    reader = EventAccumulator(str(folder)).Reload()
    tags = reader.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in tags}


def numbered(values):
    return [(number, pytest.approx(value)) for number, value in enumerate(values, 1)]


def test_all_of_the_history_is_written(tmp_path):
    """Does TensorBoard read what the history holds: epochs over epochs, steps over steps?"""
    history = train(tmp_path)
    written = read(tmp_path)
    assert sorted(written) == [
        "epoch/train_loss",
        "epoch/valid_accuracy",
        "epoch/valid_loss",
        "step/loss",
        "step/lr",
    ]
    for name in ("train_loss", "valid_loss", "valid_accuracy"):
        assert written[f"epoch/{name}"] == numbered(getattr(history, name))
    assert written["step/loss"] == numbered(history.step_loss)
    assert written["step/lr"] == numbered([0.1] * 6)


def test_without_validation(tmp_path):
    """Is a run without validation batches logged with what it has?"""
    train(tmp_path, valid_batches=None, record=None)
    assert sorted(read(tmp_path)) == ["epoch/train_loss", "step/loss"]


def test_written_while_the_run_goes_on(tmp_path):
    """Can an epoch be read before the run is over?"""
    model, seen = make_model(), []
    log = TensorBoardLog(tmp_path)
    look = [log, lambda history: seen.append(len(read(tmp_path)["epoch/train_loss"]))]
    fit(model, make_batches(), sgd(model), epochs=3, watchers=look)
    assert seen == [1, 2, 3]


def test_a_run_that_goes_on(tmp_path):
    """Does a run that goes on from a checkpoint show each epoch once?"""
    folder, checkpoint = tmp_path / "log", tmp_path / "run.pt"
    train(folder, checkpoint=checkpoint)
    history = train(folder, epochs=3, checkpoint=checkpoint)
    written = read(folder)
    assert written["epoch/train_loss"] == numbered(history.train_loss)
    assert written["step/loss"] == numbered(history.step_loss)


def test_steps_before_a_loss_that_is_not_finite(tmp_path):
    """Are the steps of a broken epoch logged up to the one that broke it?"""
    model, batches = make_model(), make_batches()
    bad = [*batches[:2], (batches[2][0] * float("nan"), batches[2][1])]
    epochs = iter([batches, bad])

    class Twice:
        def __iter__(self):
            return iter(next(epochs))

    with pytest.raises(NonFiniteLoss):
        fit(model, Twice(), sgd(model), epochs=2, watchers=[TensorBoardLog(tmp_path)])
    assert len(read(tmp_path)["step/loss"]) == 3 + 2


def test_missing(monkeypatch, tmp_path):
    """Is one sentence said, before any training, where TensorBoard is not installed?"""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match="not installed.*pip install tensorboard"):
        TensorBoardLog(tmp_path)
