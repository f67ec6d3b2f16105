import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.training.evaluate import evaluate


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))


def make_batches(sizes=(4, 4, 1)):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(n, 5, generator=generator), torch.randint(3, (n,), generator=generator))
        for n in sizes
    ]


def test_means_over_all_samples():
    """Are loss and accuracy those of the whole set at once, whatever the batches' sizes?"""
    model, batches = make_model(), make_batches()
    loss, accuracy = evaluate(model, batches)
    inputs, targets = (torch.cat(part) for part in zip(*batches, strict=True))
    predictions = model.eval()(inputs)
    assert loss == pytest.approx(F.cross_entropy(predictions, targets).item(), rel=1e-6)
    assert accuracy == (predictions.argmax(1) == targets).sum().item() / 9
    assert 0 < accuracy < 1


def test_leaves_no_trace():
    """Are modes, batch-norm statistics, gradients and generators as before?"""
    model = make_model()
    model[1].eval()
    before, generator = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    assert evaluate(model, make_batches()) == evaluate(model, make_batches())
    assert [module.training for module in model] == [True, False, True, True]
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert torch.equal(generator, torch.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_other_loss_function():
    """Is another loss function used, and the accuracy NaN where there are no classes?"""
    model, inputs = nn.Linear(5, 1), make_batches()[0][0]
    loss, accuracy = evaluate(model, [(inputs, torch.zeros(4, 1))], loss_function=F.l1_loss)
    assert loss == pytest.approx(model(inputs).abs().mean().item())
    assert math.isnan(accuracy)


def test_half_precision():
    """Is the number of right answers exact where the model computes in bfloat16?"""
    model = nn.Linear(1, 2).bfloat16()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0], [1.0]]))
        model.bias.zero_()
    inputs = torch.ones(1001, 1, dtype=torch.bfloat16)
    targets = torch.ones(1001, dtype=torch.long)
    targets[:2] = 0
    assert evaluate(model, [(inputs, targets)])[1] == 999 / 1001


def test_empty():
    """Do empty batches raise a sentence?"""
    with pytest.raises(ValueError, match="batches to evaluate on are empty: give at least one"):
        evaluate(make_model(), [])
