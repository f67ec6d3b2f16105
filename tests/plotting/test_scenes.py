import matplotlib.pyplot as plt
import pytest
import torch

from course_utils.detection.boxes import Detections
from course_utils.detection.scenes import Scene
from course_utils.plotting.scenes import plot_scene

SCENE = Scene(
    "a", torch.zeros(3, 32, 40, dtype=torch.uint8), torch.tensor([[4.0, 8, 20, 16], [1, 1, 4, 4]])
)


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_frames_and_scores(ax):
    """Is there a frame for each ship and each detection, around its pixels, and a score each?"""
    found = Detections(torch.tensor([[2.0, 20, 9, 30], [0, 0, 8, 8]]), torch.tensor([0.8, 0.25]))
    assert plot_scene(ax, SCENE, found, title="t", simulated=True) is ax
    assert len(ax.patches) == 4 and ax.get_title() == "t"
    assert ax.patches[0].get_bbox().bounds == (3.5, 7.5, 16, 8)  # pixels 4 to 19, 8 to 15
    assert [t.get_text() for t in ax.texts] == ["0.80", "0.25", "simulated"]


def test_image_alone(ax):
    """Is an image without detections, and not simulated, free of words?"""
    plot_scene(ax, SCENE)
    assert len(ax.patches) == 2 and not ax.texts
    assert ax.images[0].get_array().shape == (32, 40, 3)
