"""Does the core keep its promises for models, loaders and losses as people bring them?"""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_runs import lr_of, same
from torch import nn
from torch.optim import swa_utils
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    StackDataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from course_utils.imbalance import OversamplingSampler
from course_utils.lr import OneCycle, find_lr
from course_utils.training import (
    AveragedWeights,
    NonFiniteLoss,
    StopTraining,
    TrainStep,
    evaluate,
    fit,
    gradient_norm,
    set_seed,
)


def make_data(n=24, classes=3):
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(n, 6, generator=generator)
    return inputs, (inputs[:, 0] * 2).long().abs() % classes


def make_loader(n=24, batch_size=8, **settings):
    return DataLoader(TensorDataset(*make_data(n)), batch_size, **settings)


def make_net(outputs=3):
    set_seed(5)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, outputs))


def make_sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr, momentum=0.9)


def make_parts(**settings):
    model = make_net()
    return model, make_sgd(model), make_loader(**settings)


# --- no trace, and bit-equal after a resumption ---------------------------------------------------


@dataclass
class Use:
    """A training as a user brings it."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loader: object
    settings: dict = field(default_factory=dict)  # of fit and find_lr
    of_fit: dict = field(default_factory=dict)
    also: tuple = ()  # modules whose state must come out alike too

    def fit(self, epochs, checkpoint=None):
        settings = {"epochs": epochs, "checkpoint": checkpoint, **self.settings, **self.of_fit}
        self.history = fit(self.model, self.optimizer, self.loader, **settings)
        return self

    def find_lr(self):
        settings = {"steps": 9, "min_lr": 1e-3, "max_lr": 0.5, **self.settings}
        find_lr(self.model, self.optimizer, self.loader, **settings)
        return self

    def end(self):
        held = [p.detach() for group in self.optimizer.param_groups for p in group["params"]]
        states = [part.state_dict() for part in (self.model, self.optimizer, *self.also)]
        return held, states, self.history.step_loss, self.history.recorded


def of_loader(make):
    def build():
        model = make_net()
        return Use(model, make_sgd(model), make())

    return build


class DrawnSampler(Sampler):
    """A sampler of its own, with a generator of NumPy or of Python."""

    def __init__(self, n, rng):
        self.n, self.rng = n, rng

    def __iter__(self):
        order = list(range(self.n))
        self.rng.shuffle(order)
        return iter(order)

    def __len__(self):
        return self.n


class Grouped(Sampler):
    """A batch sampler of one's own, which calls its inner sampler by a name of its own."""

    def __init__(self, inner):
        self.inner = inner

    def __iter__(self):
        order = list(self.inner)
        return iter([order[:10], order[10:]])

    def __len__(self):
        return 2


class Jitter:
    """A transform with a generator of its own."""

    def __init__(self, generator):
        self.generator = generator

    def __call__(self, inputs):
        if isinstance(self.generator, torch.Generator):
            return inputs + torch.rand(inputs.shape, generator=self.generator)
        return inputs + torch.from_numpy(self.generator.random(inputs.shape)).float()


class Jittered(Dataset):
    """A data set that augments by its transform, or by itself."""

    def __init__(self, transform):
        self.data, self.transform = TensorDataset(*make_data()), transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        inputs, target = self.data[index]
        return self.transform(inputs), target


class OwnNoise(Jittered):
    """A data set that holds the generator itself."""

    def __init__(self, generator):
        super().__init__(self._move)
        self.generator = generator

    def _move(self, inputs):
        return Jitter(self.generator)(inputs)


class Stream(IterableDataset):
    """A stream in an order of its own."""

    def __init__(self, generator):
        self.generator = generator

    def __iter__(self):
        inputs, targets = make_data()
        for index in torch.randperm(24, generator=self.generator).tolist():
            yield inputs[index], targets[index]


class Mixup:
    """A collate function with a generator of its own."""

    def __init__(self, generator):
        self.generator = generator

    def __call__(self, samples):
        inputs, targets = torch.utils.data.default_collate(samples)
        share = torch.rand((), generator=self.generator)
        return share * inputs + (1 - share) * inputs.flip(0), targets


def torchs():
    return torch.Generator().manual_seed(8)


def numpys():
    return np.random.default_rng(8)


def every():
    return range(24)


LOADERS = {
    "shuffle": lambda: make_loader(shuffle=True),
    "generator of the loader": lambda: make_loader(shuffle=True, generator=torchs()),
    "RandomSampler": lambda: make_loader(sampler=RandomSampler(every(), generator=torchs())),
    "WeightedRandomSampler": lambda: make_loader(
        sampler=WeightedRandomSampler([1.0] * 24, 24, generator=torchs())
    ),
    "batch_sampler": lambda: DataLoader(
        TensorDataset(*make_data()),
        batch_sampler=BatchSampler(RandomSampler(every(), generator=torchs()), 8, True),
    ),
    "sampler of lists": lambda: DataLoader(
        TensorDataset(*make_data()),
        batch_size=None,
        sampler=BatchSampler(RandomSampler(every(), generator=torchs()), 8, True),
    ),
    "own batch sampler": lambda: DataLoader(
        TensorDataset(*make_data()), batch_sampler=Grouped(DrawnSampler(24, numpys()))
    ),
    "NumPy's Generator": lambda: make_loader(sampler=DrawnSampler(24, numpys())),
    "NumPy's RandomState": lambda: make_loader(sampler=DrawnSampler(24, np.random.RandomState(8))),
    "Python's Random": lambda: make_loader(sampler=DrawnSampler(24, random.Random(8))),
    "Python's global": lambda: make_loader(sampler=DrawnSampler(24, random)),
    "data set, torch": lambda: DataLoader(OwnNoise(torchs()), 8),
    "data set, NumPy": lambda: DataLoader(OwnNoise(numpys()), 8),
    "transform, torch": lambda: DataLoader(Jittered(Jitter(torchs())), 8),
    "transform, NumPy": lambda: DataLoader(Jittered(Jitter(numpys())), 8),
    "Subset": lambda: DataLoader(Subset(OwnNoise(numpys()), range(4, 20)), 8),
    "ConcatDataset": lambda: DataLoader(
        ConcatDataset([OwnNoise(torchs()), TensorDataset(*make_data())]), 16
    ),
    "StackDataset": lambda: DataLoader(
        StackDataset(Subset(Inputs(numpys()), range(24)), Targets()), 8
    ),
    "IterableDataset": lambda: DataLoader(Stream(torchs()), 8),
    "collate_fn": lambda: make_loader(collate_fn=Mixup(torchs())),
}


class Inputs(OwnNoise):
    """The moved inputs alone."""

    def __getitem__(self, index):
        return super().__getitem__(index)[0]


class Targets(Dataset):
    """The targets alone."""

    def __len__(self):
        return 24

    def __getitem__(self, index):
        return make_data()[1][index]


def dropout_and_batch_norm():
    set_seed(5)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
    return Use(model, make_sgd(model), make_loader(shuffle=True))


def learnt_loss_weights():
    """Two tasks whose weights are learnt (Kendall et al., 2018), in the optimizer alone."""
    model, weights = make_net(4), nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.Adam([*model.parameters(), weights], lr=0.01)

    def loss(predictions, targets):
        parts = torch.stack(
            [
                F.cross_entropy(predictions[:, :3], targets),
                F.mse_loss(predictions[:, 3], targets.float()),
            ]
        )
        return (parts * (-weights).exp() + weights).sum()

    return Use(model, optimizer, make_loader(), {"loss_function": loss})


class CentreLoss(nn.Module):
    """Cross-entropy and the distance to learnt centres (Wen et al., 2016), with a count."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.zeros(3, 3))
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, predictions, targets):
        if self.training and torch.is_grad_enabled():
            self.seen += torch.bincount(targets, minlength=3)
        near = (predictions - self.centres[targets]).square().mean()
        return F.cross_entropy(predictions, targets, 1 / (1 + self.seen)) + near


def learnt_loss():
    model, loss = make_net(), CentreLoss()
    optimizer = make_sgd(nn.ModuleList([model, loss]))
    return Use(model, optimizer, make_loader(), {"loss_function": loss}, also=(loss,))


def loss_with_a_count():
    model, loss = make_net(), CentreLoss()
    return Use(model, make_sgd(model), make_loader(), {"loss_function": loss}, also=(loss,))


def averaged_weights():
    use = dropout_and_batch_norm()
    average = AveragedWeights(use.model, decay=0.8)
    use.of_fit["callbacks"] = [average]
    use.also = (average,)
    return use


def compiled():
    model = torch.compile(make_net(), backend="eager")
    return Use(model, make_sgd(model), make_loader(shuffle=True))


def lazy():
    set_seed(5)
    model = nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(3))
    return Use(model, make_sgd(model), make_loader(shuffle=True))


def accumulated_and_clipped():
    model = make_net()
    settings = {"accumulate": 2, "clip_norm": 0.1}
    return Use(model, make_sgd(model), make_loader(shuffle=True), settings)


def gradient_penalty_of_a_hook():
    """Spectral norm keeps its vectors in buffers that each forward pass moves."""
    set_seed(5)
    first = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 8))
    model = nn.Sequential(first, nn.ReLU(), nn.Linear(8, 3))
    return Use(model, make_sgd(model), make_loader())


def tied_weights():
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, 3))
    set_seed(5)
    for part in model:
        part.reset_parameters() if hasattr(part, "reset_parameters") else None
    model[2].weight = model[0].weight
    return Use(model, make_sgd(model), make_loader())


def layer_wise_learning_rates():
    model = make_net()
    groups = [{"params": model[0].parameters(), "lr": 0.01}, {"params": model[2].parameters()}]
    return Use(model, torch.optim.AdamW(groups, lr=0.1), make_loader())


def lr_in_a_tensor():
    model = make_net()
    return Use(model, torch.optim.Adam(model.parameters(), torch.tensor(0.01)), make_loader())


def lbfgs():
    model = make_net()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)

    def step(batch):
        inputs, targets = batch

        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            return loss

        return optimizer.step(closure)

    return Use(model, optimizer, make_loader(), {"step": step})


class Adversaries:
    """A step on two nets with two optimizers, of which `fit` is given one of each."""

    def __init__(self):
        self.maker, self.critic = make_net(6), make_net(1)
        self.makers = torch.optim.Adam(self.maker.parameters(), 0.01)
        self.critics = torch.optim.Adam(self.critic.parameters(), 0.01)

    def __call__(self, batch):
        real, _ = batch
        made = self.maker(torch.randn_like(real))
        self.critics.zero_grad()
        (self.critic(made.detach()).mean() - self.critic(real).mean()).backward()
        self.critics.step()
        self.makers.zero_grad()
        loss = -self.critic(made).mean()
        loss.backward()
        self.makers.step()
        return loss

    def state_dict(self):
        return {"critic": self.critic.state_dict(), "critics": self.critics.state_dict()}

    def load_state_dict(self, state):
        self.critic.load_state_dict(state["critic"])
        self.critics.load_state_dict(state["critics"])


def two_models():
    step = Adversaries()
    return Use(step.maker, step.makers, make_loader(), {"step": step}, also=(step,))


def of_optimizer(kind):
    def build():
        set_seed(5)  # Muon takes matrices only
        model = nn.Sequential(nn.Linear(6, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False))
        return Use(model, kind(model.parameters(), lr=0.01), make_loader(shuffle=True))

    return build


OPTIMIZERS = [
    kind
    for kind in vars(torch.optim).values()
    if inspect.isclass(kind)
    and issubclass(kind, torch.optim.Optimizer)
    and kind not in (torch.optim.Optimizer, torch.optim.SparseAdam, torch.optim.LBFGS)
]
USES = {
    build.__name__: build
    for build in (
        dropout_and_batch_norm,
        learnt_loss_weights,
        learnt_loss,
        loss_with_a_count,
        averaged_weights,
        compiled,
        lazy,
        accumulated_and_clipped,
        gradient_penalty_of_a_hook,
        tied_weights,
        layer_wise_learning_rates,
        lr_in_a_tensor,
        lbfgs,
        two_models,
    )
}
USES |= {f"loader: {name}": of_loader(make) for name, make in LOADERS.items()}
USES |= {f"optimizer: {kind.__name__}": of_optimizer(kind) for kind in OPTIMIZERS}


@pytest.mark.parametrize("name", USES)
def test_finder_leaves_no_trace(name):
    """Does a training end bit-equal, whether or not the finder ran before it and in its middle?"""
    undisturbed = USES[name]().fit(1).fit(1)
    swept = USES[name]().find_lr().fit(1).find_lr().fit(1)
    assert same(swept.end(), undisturbed.end())


@pytest.mark.parametrize("name", USES)
def test_resumed_run_is_bit_equal(name, tmp_path):
    """Does a run that stopped after an epoch end as one that never did?"""
    undisturbed = USES[name]().fit(3)
    path = tmp_path / "run.pt"
    USES[name]().fit(1, path)
    assert same(USES[name]().fit(3, path).end(), undisturbed.end())
