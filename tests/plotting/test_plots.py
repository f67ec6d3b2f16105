import base64
import io

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import same_color
from nbclient import NotebookClient
from tiny_notebooks import REPOSITORY

from course_utils.lr.curve import LRCurve, LRRepeats
from course_utils.lr.schedules import OneCycleCurve
from course_utils.plotting import plots
from course_utils.plotting.plots import plot_losses, plot_steps
from course_utils.plotting.style import COLOURS
from course_utils.training.history import History


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.fixture
def axes():
    figure, axes = plt.subplots(2, 1)
    yield axes
    plt.close(figure)


def curve(shift=0.0):
    lrs = np.geomspace(1e-6, 1, 200)
    losses = tuple(2.3 - 1.5 / (1 + np.exp(-(np.log10(lrs) + 3 - shift) / 0.3)) + lrs**2)
    return LRCurve(tuple(lrs), losses, losses, 0.0, "end")


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def labelled(ax):
    return ax.get_xlabel() and ax.get_ylabel()


def test_lr_curve_marks_its_suggestion(ax):
    """Is the suggestion drawn where it is, and named in the legend?"""
    drawn = curve()
    assert drawn.plot(ax) is ax
    assert legend(ax) == ["raw loss", "smoothed loss", f"suggestion: {drawn.suggestion():.2g}"]
    assert ax.lines[-1].get_xdata()[0] == drawn.suggestion()
    assert ax.get_xscale() == "log" and labelled(ax)


def test_lr_curve_without_suggestion(ax):
    """Is a curve that allows no suggestion drawn all the same, with a remark?"""
    flat = LRCurve((1e-3, 1e-2, 1e-1, 1.0, 10.0), (2.0,) * 5, (2.0,) * 5, 0.0, "end")
    flat.plot(ax)
    assert legend(ax)[-1] == "no suggestion"


def test_explosion_does_not_flatten_the_curve(ax):
    """Does the vertical range show the fall although the losses explode at the end?"""
    losses = (2.3, 2.2, 1.0, 0.9, 3.0, 1e6)
    LRCurve((1, 2, 3, 4, 5, 6), losses, losses, 0.0, "end").plot(ax)
    low, high = ax.get_ylim()
    assert low < 0.9 and 2.3 < high < 4


def test_several_curves_on_one_axis(ax):
    """Does each setting get its colour, its suggestion and, with repeats, its range?"""
    repeats = LRRepeats((curve(), curve(0.5), curve(-0.5)))
    plots.plot_lr_curves(ax, {"one": curve(), "three": repeats})
    one, three = legend(ax)
    assert one == f"one: {curve().suggestion():.2g}"
    pick, low, high = repeats.suggestion()
    assert three == f"three: {pick:.2g} ({low:.2g} to {high:.2g})"
    assert len({line.get_color() for line in ax.lines}) == 2


def test_more_curves_than_colours(ax):
    """Do more settings than the palette has still get one colour each?"""
    plots.plot_lr_curves(ax, {str(i): curve(i / 10) for i in range(9)})
    assert len({str(line.get_color()) for line in ax.lines}) == 9


def test_schedule(axes):
    """Are learning rates above and momenta below, and is a schedule without momenta allowed?"""
    cycle = OneCycleCurve.gugger(50, max_lr=0.8).preview()
    plots.plot_schedule(axes, {"1cycle": cycle, "constant": ([0.1] * 50, None)})
    assert [len(ax.lines) for ax in axes] == [2, 1]
    assert axes[0].lines[0].get_ydata().max() == pytest.approx(0.8, rel=0.05)
    assert axes[0].lines[0].get_color() == COLOURS["1cycle"]
    assert legend(axes[0]) == ["1cycle", "constant"]


def test_history(axes):
    """Are the losses above, the accuracy below, over epochs counted from 1?"""
    history = History([2.0, 1.0], [2.1, 1.5], [0.3, 0.6])
    plots.plot_history(axes, history)
    train, valid = axes[0].lines
    assert train.get_xdata().tolist() == [1, 2] and train.get_ydata().tolist() == [2.0, 1.0]
    assert valid.get_ydata().tolist() == [2.1, 1.5]
    assert axes[1].lines[0].get_ydata().tolist() == [0.3, 0.6]
    assert legend(axes[0]) == ["training", "validation"]


def test_arms(ax):
    """Is each arm a row with a dot a seed and its mean, in the arm's own colour?"""
    plots.plot_arms(ax, {"1cycle, 8": [1.0, 2.0, 3.0], "other": [4.0, 5.0]}, xlabel="accuracy (%)")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1cycle, 8", "other"]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata().tolist() for line in dots] == [[1.0, 2.0, 3.0], [4.0, 5.0]]
    assert dots[0].get_color() == COLOURS["1cycle"]
    assert ax.get_ylim() == (1.5, -0.5) and ax.get_xlabel() == "accuracy (%)"


CHANCE = 2.0


def test_losses_over_the_epochs(ax):
    """Are both losses drawn over the epochs, counted from 1, in the course's colours?"""
    assert plot_losses(ax, [1.0, 0.5], [1.2, 0.8], chance=CHANCE) is ax
    train, valid, _ = ax.lines
    assert list(train.get_xdata()) == list(valid.get_xdata()) == [1, 2]
    assert list(train.get_ydata()) == [1.0, 0.5] and list(valid.get_ydata()) == [1.2, 0.8]
    assert same_color(train.get_color(), COLOURS["train"])
    assert same_color(valid.get_color(), COLOURS["valid"])
    assert [line.get_label() for line in (train, valid)] == ["training", "validation"]


def test_panels_share_a_range_with_the_loss_of_guessing(ax):
    """Is the loss of guessing drawn, on a range that does not depend on the losses?"""
    plot_losses(ax, [9.0, 0.5], [0.1, 0.1], chance=CHANCE)
    assert list(ax.lines[2].get_ydata()) == [CHANCE, CHANCE]
    assert ax.get_ylim() == pytest.approx((0, 2.4))


def test_hidden_truth_is_told_apart(ax):
    """Are style and opacity those that were asked for?"""
    plot_losses(ax, [1.0], [1.0], chance=CHANCE, style="--", alpha=0.5)
    assert [line.get_linestyle() for line in ax.lines[:2]] == ["--", "--"]
    assert [line.get_alpha() for line in ax.lines[:2]] == [0.5, 0.5]


def test_steps(ax):
    """Does each step lie in its epoch, each mean over its epoch, each evaluation at its end?"""
    history = History(train_loss=[3.0, 1.0], step_loss=[4.0, 2.0, 1.0, 1.0])
    assert plot_steps(ax, history, [1.5, 0.9], beta=0.5) is ax
    raw, smoothed, points = ax.lines
    assert list(raw.get_xdata()) == [0.25, 0.75, 1.25, 1.75]
    assert list(raw.get_ydata()) == history.step_loss
    assert np.ptp(smoothed.get_ydata()) < np.ptp(raw.get_ydata())
    (means,) = ax.collections
    expected = [[[0, 3.0], [1, 3.0]], [[1, 1.0], [2, 1.0]]]
    np.testing.assert_allclose(means.get_segments(), expected)
    assert list(points.get_xdata()) == [1, 2] and list(points.get_ydata()) == [1.5, 0.9]
    assert "mean over an epoch's 2 steps" in [t.get_text() for t in ax.get_legend().get_texts()]


PLOT = """
import torch
from IPython.display import DisplayHandle
from torch import nn
from course_utils.plotting import plots
from course_utils.training import fit

plots.SECONDS_BETWEEN_DRAWINGS = 0  # draw after each epoch
drawings, update = [], DisplayHandle.update
DisplayHandle.update = lambda *args, **kwargs: drawings.append(1) or update(*args, **kwargs)
model = nn.Linear(2, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
batches = [(torch.ones(4, 2), torch.tensor([0, 1, 2, 0]))]
callbacks = [plots.LivePlot()]
fit(model, optimizer, batches, epochs=3, valid_loader=batches, callbacks=callbacks)
assert len(drawings) == 2, drawings  # after the first one, which is displayed
"""
STOPPED_PLOT = """
def stop(history):
    if history.epochs == 2:
        raise KeyboardInterrupt
plots.SECONDS_BETWEEN_DRAWINGS = 1000  # only the first one, and the last state
try:
    fit(model, optimizer, batches, epochs=9, callbacks=[*callbacks, stop])
except KeyboardInterrupt:
    assert len(drawings) == 3, drawings
"""


@pytest.fixture(scope="module")
def outputs():
    """Run both cells in a real kernel and return the stored outputs of each."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in (PLOT, STOPPED_PLOT)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    root = str(REPOSITORY)
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": root}}).execute()
    return [cell.outputs for cell in notebook.cells]


@pytest.mark.slow
@pytest.mark.parametrize(
    "index, words",
    [(0, "epoch 3: train loss"), (1, "epoch 2: train loss")],
    ids=["whole run", "stopped"],
)
def test_plot_leaves_one_plain_figure(outputs, index, words):
    """Is the stored output one figure of the last state, however often it was drawn?"""
    (output,) = outputs[index]
    assert output.output_type == "display_data"
    assert sorted(output.data) == ["image/png", "text/plain"]
    assert output.data["text/plain"].startswith(words)
    image = plt.imread(io.BytesIO(base64.b64decode(output.data["image/png"])), format="png")
    assert image.shape[0] > 100 and image.std() > 0.05


def drawn_figure(monkeypatch, history):
    """Draw a history as the live plot does, and return the figure."""
    figures = []
    monkeypatch.setattr(
        "matplotlib.figure.Figure.savefig", lambda self, *_, **__: figures.append(self)
    )
    plots._png(history)
    return figures[0]


def test_plot_shows_the_first_epoch(monkeypatch):
    """Are losses and accuracy drawn with markers, as one epoch alone makes no line?"""
    history = History(train_loss=[1.0], valid_loss=[2.0], valid_accuracy=[0.5])
    upper, lower = drawn_figure(monkeypatch, history).axes
    assert [list(line.get_ydata()) for line in upper.lines] == [[1.0], [2.0]]
    assert [list(line.get_ydata()) for line in lower.lines] == [[0.5]]
    assert all(line.get_marker() == "." for line in (*upper.lines, *lower.lines))
    assert upper.get_title() == "Training, after epoch 1"


def test_plot_without_validation(monkeypatch):
    """Is the training loss drawn alone where nothing was validated?"""
    (ax,) = drawn_figure(monkeypatch, History(train_loss=[1.0, 0.5])).axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 0.5]]
    assert ax.get_xlabel() == "epoch" and ax.get_ylabel() == "mean loss (nats)"


def test_plot_is_drawn_rarely(monkeypatch):
    """Is a run of many short epochs drawn at its start and at its end only?"""
    drawn = []
    monkeypatch.setattr(plots, "in_kernel", lambda: drawn.append(1) and False)
    history = History()
    with plots.LivePlot() as plot:
        for _ in range(1000):
            history.train_loss.append(1.0)
            plot(history)
    assert len(drawn) == 2


def test_plot_outside_a_kernel(capsys):
    """Is nothing shown in a script, not even where no epoch came to its end?"""
    with plots.LivePlot() as plot:
        pass
    with plot:
        plot(History(train_loss=[1.0]))
    assert capsys.readouterr() == ("", "")
