import sys

import nbformat
import pytest
from nbclient import NotebookClient
from small_runs import lr_of, make_batches, make_model, sgd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_notebooks import REPOSITORY

from course_utils.training.callbacks import ProgressBar, TensorBoardLog, progress_bar
from course_utils.training.history import NonFiniteLoss
from course_utils.training.loop import fit

CELL = """
import time
from course_utils.training.callbacks import progress_bar
with progress_bar(40, description="first training") as bar:
    for step in range(40):
        time.sleep(0.01)
        bar.update()
        bar.set(f"valid accuracy {step / 100}")
"""
STOPPED = """
try:
    with progress_bar(40, description="stopped") as bar:
        bar.update(3)
        raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
"""
DISABLED = """
with progress_bar(40, description="hidden", enabled=False) as bar:
    bar.update()
    bar.set("words")
"""
CELLS = (CELL, STOPPED, DISABLED)


@pytest.fixture(scope="module")
def cells():
    """Run the three cells in a real kernel and return them with their stored outputs."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    root = str(REPOSITORY)
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": root}}).execute()
    return notebook.cells


@pytest.mark.slow
def test_stored_output_is_one_plain_line(cells):
    """Is the stored output one text without widget or carriage return, with the last state?"""
    (output,) = cells[0].outputs
    assert output.output_type == "display_data"
    assert list(output.data) == ["text/plain"]
    line = output.data["text/plain"]
    assert line.startswith("first training: 100%") and "40/40" in line
    assert "valid accuracy 0.39" in line
    assert not {"\r", "\n", "\x1b"} & set(line)


def test_stop_leaves_the_state(cells):
    """Does a training that was stopped leave the line as it then was?"""
    (output,) = cells[1].outputs
    assert "3/40" in output.data["text/plain"]


def test_disabled_shows_nothing(cells):
    """Does a disabled progress line store no output?"""
    assert cells[2].outputs == []


def test_terminal(capsys):
    """Is it, outside a kernel, tqdm on stderr with nothing on stdout?"""
    with progress_bar(5, description="training") as bar:
        bar.set("loss 0.1")
        bar.update(5)
    output, line = capsys.readouterr()
    assert output == ""
    assert "training: 100%" in line and "5/5" in line and "loss 0.1" in line


def test_steps_do_not_draw_each(monkeypatch, capsys):
    """Is the line drawn a few times only, however many steps there are?"""
    drawn = []
    monkeypatch.setattr(ProgressBar, "display", lambda *_, **__: drawn.append(1))
    with progress_bar(10_000, description="training") as bar:
        for _ in range(10_000):
            bar.update()
    assert 2 <= len(drawn) < 100


def train(folder, epochs=2, **settings):
    model = make_model()
    batches = make_batches()
    options = {"valid_loader": batches, "record": {"lr": lr_of}, **settings}
    return fit(
        model, sgd(model), batches, epochs=epochs, callbacks=[TensorBoardLog(folder)], **options
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
    train(tmp_path, valid_loader=None, record=None)
    assert sorted(read(tmp_path)) == ["epoch/train_loss", "step/loss"]


def test_written_while_the_run_goes_on(tmp_path):
    """Can an epoch be read before the run is over?"""
    model, seen = make_model(), []
    log = TensorBoardLog(tmp_path)
    look = [log, lambda history: seen.append(len(read(tmp_path)["epoch/train_loss"]))]
    fit(model, sgd(model), make_batches(), epochs=3, callbacks=look)
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
        fit(model, sgd(model), Twice(), epochs=2, callbacks=[TensorBoardLog(tmp_path)])
    assert len(read(tmp_path)["step/loss"]) == 3 + 2


def test_missing(monkeypatch, tmp_path):
    """Is one sentence said, before any training, where TensorBoard is not installed?"""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match="not installed.*pip install tensorboard"):
        TensorBoardLog(tmp_path)
