import re

import pytest
import torch
from torch import nn
from torchvision.models import resnet, resnet18

from course_utils.detection.centernet import DetectionLoss, boxes_to_maps
from course_utils.detection.mining import mine_hard_negatives
from course_utils.detection.models import FpnDetector, ShipDetector, detect
from course_utils.detection.scenes import Scene, SceneLoader, pack
from course_utils.detection.synthetic import SimulatedScenes
from course_utils.profiles import set_seed
from course_utils.training.loop import fit


def images(*shape):
    return torch.randint(0, 256, shape, dtype=torch.uint8)


def test_learns_one_batch():
    """Does the detector learn a few scenes by heart, so that their ships are found first?"""
    set_seed(0)
    scenes = [*SimulatedScenes(8, ships=True, seed=1, size=64)]
    packed = pack(scenes)
    goal = boxes_to_maps(packed.boxes, 64, 64)
    model, loss = ShipDetector(width=16), DetectionLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(120):
        optimizer.zero_grad()
        value = loss(model(packed.images), goal)
        value.backward()
        optimizer.step()
    model.train()  # statistics of this very batch
    for scene, found in detect(model, scenes):
        centres = (found.boxes[: len(scene.boxes), :2] + found.boxes[: len(scene.boxes), 2:]) / 2
        truth = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2
        assert torch.cdist(truth, centres).min(1).values.max() < 6
    assert model.training


def test_two_sizes():
    """May scenes have any size where each is looked at alone?"""
    scenes = [Scene("a", images(3, n, n), torch.empty(0, 4)) for n in (64, 96)]
    found = detect(ShipDetector(width=8), scenes, batch_size=1)
    assert [scene.image.shape[1] for scene, _ in found] == [64, 96]


def test_stream():
    """Is a stream read batch by batch, in order, and never further than needed?"""
    read = []

    def stream():
        for scene in SimulatedScenes(10, ships=False, size=64):
            read.append(scene.name)
            yield scene

    results = detect(ShipDetector(width=8), stream(), batch_size=4)
    first, _ = next(results)
    assert first.name == read[0] and len(read) == 4
    assert [scene.name for scene, _ in results] == read[1:]
    assert len(read) == 10


@pytest.mark.parametrize("depth", [18, 34])
@pytest.mark.parametrize("height, width", [(32, 32), (96, 128), (100, 68)])
def test_same_shapes_as_the_small_one(depth, height, width):
    """Does it give what the small detector gives, for images of any size that 4 divides?"""
    batch = images(2, 3, height, width)
    maps = FpnDetector(depth=depth, width=8)(batch)
    assert maps.shape == ShipDetector(width=8)(batch).shape == (2, 5, height // 4, width // 4)


@pytest.mark.parametrize("detector", [ShipDetector, FpnDetector])
@pytest.mark.parametrize("prior, slack", [(0.01, 0.01), (0.3, 0.1)])
def test_calm_start(detector, prior, slack):
    """Does the untrained net take few cells for a centre, as said, with boxes of 16 pixels?"""
    set_seed(0)
    maps = detector(prior=prior)(images(4, 3, 64, 64)).detach()
    assert maps[:, 0].sigmoid().mean() == pytest.approx(prior, abs=slack)
    assert maps[:, 1].exp().mean() * 4 == pytest.approx(16, rel=0.2)


def test_normalised_inside():
    """Does the ResNet get images with ImageNet's mean as 0, and one deviation above it as 1?"""
    model, seen = FpnDetector(width=8), []
    model.stem[0] = nn.Identity()
    model.stem[1] = nn.Identity()
    model.stem[2] = nn.Identity()
    model.stem[3] = nn.Sequential(nn.Identity(), nn.Conv2d(3, 64, 1, stride=4))
    model.stem[3][0].register_forward_hook(lambda module, ins, out: seen.append(out))
    levels = torch.tensor([[124, 116, 104], [182, 173, 161]], dtype=torch.uint8)
    model(levels[:, :, None, None].expand(2, 3, 32, 32))
    assert torch.allclose(seen[0][:, :, 0, 0], torch.tensor([[0.0], [1.0]]), atol=0.01)


def test_every_parameter_learns():
    """Does the gradient reach every parameter, so that none idles?"""
    model = FpnDetector(width=8)
    model(images(2, 3, 64, 64)).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.slow
def test_a_few_steps():
    """Do a few steps of the course's training lower the loss, and does mining run with the net?"""
    set_seed(0)
    scenes = SimulatedScenes(16, ships=True, size=64)
    model = FpnDetector(width=16)
    batches = SceneLoader(pack(scenes), batch_size=8, steps=4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    history = fit(model, optimizer, batches, epochs=4, loss_function=DetectionLoss())
    assert history.train_loss[-1] < 0.85 * history.train_loss[0]
    assert [scene.name for scene, _ in detect(model, scenes)] == [s.name for s in scenes]
    empty = SimulatedScenes(30, ships=False, look_alikes=1.0, size=64)
    found = mine_hard_negatives(model, empty, max_negatives=5, batch_size=8)
    assert found.scanned == 30 and len(found.found) == 5
    assert all(len(negative.detections.boxes) for negative in found.found)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Return the path where torchvision looks for ResNet-18's weights; nothing lies there."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder / resnet.ResNet18_Weights.IMAGENET1K_V1.url.rpartition("/")[2]


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **settings):
        raise OSError("the network is unreachable.\nmore")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)


def test_pretrained(weights, no_network):
    """Are torchvision's weights taken over, all of the ResNet's but its last layer?"""
    set_seed(1)
    net = resnet18()
    torch.save(net.state_dict(), weights)
    model = FpnDetector(pretrained=True, width=8)
    assert torch.equal(model.stem[0].weight, net.conv1.weight)
    for number, layer in enumerate([net.layer1, net.layer2, net.layer3, net.layer4]):
        ours = model.stages[number].state_dict()
        assert all(torch.equal(ours[name], value) for name, value in layer.state_dict().items())


def test_pretrained_without_network(weights, no_network):
    """Does a net without its weights, and without network, say what to do in one sentence?"""
    words = (
        r"^The ImageNet weights of ResNet-18 cannot be loaded \(the network is unreachable\): go "
        rf"online, put a sound copy of https://\S+ at {re.escape(str(weights))}, or use "
        r"pretrained=False\.$"
    )
    with pytest.raises(FileNotFoundError, match=words):
        FpnDetector(pretrained=True)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 broken off"])
def test_damaged_weights(weights, no_network, content):
    """Do damaged weights raise the same sentence, with the file's place?"""
    weights.write_bytes(content)
    with pytest.raises(FileNotFoundError, match=re.escape(str(weights))) as raised:
        FpnDetector(pretrained=True)
    assert "\n" not in str(raised.value)


def test_weights_of_another_net(weights, no_network):
    """Do weights that do not fit raise the same sentence?"""
    torch.save(nn.Linear(2, 2).state_dict(), weights)
    with pytest.raises(FileNotFoundError, match="ResNet-18 cannot be loaded .* sound copy of"):
        FpnDetector(pretrained=True)


def test_detect_without_parameters():
    """Does a rule that has nothing to learn detect as a net does?"""

    class Bright(nn.Module):
        def forward(self, pixels):
            maps = torch.zeros(len(pixels), 5, 16, 16)
            maps[:, 0] = pixels[:, 0, ::4, ::4] / 25.5 - 5
            return maps

    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, 8, 12] = 255
    ((_, found),) = detect(Bright(), [Scene("a", image, torch.empty(0, 4))])
    assert len(found) == 1 and found.scores[0] > 0.99
