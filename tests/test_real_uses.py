"""Does the core keep its promises for models, loaders and losses as people bring them?"""

from __future__ import annotations

import copy
import inspect
import random
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


def test_finder_keeps_gradients_of_learnt_weights():
    """Are gradients that a learnt loss weight had, or had not, as before the finder?"""
    model, weight, loss = make_net(), nn.Parameter(torch.ones(())), F.cross_entropy
    optimizer = torch.optim.SGD([*model.parameters(), weight], 0.1)
    settings = {"steps": 5, "loss_function": lambda outputs, y: loss(outputs, y) * weight}
    find_lr(model, optimizer, make_loader(), **settings)
    assert weight.grad is None and weight == 1
    weight.grad = torch.tensor(4.0)
    find_lr(model, optimizer, make_loader(), **settings)
    assert weight.grad == 4 and weight == 1


SCHEDULES = {
    "OneCycle": lambda optimizer: OneCycle(optimizer, 0.2, 6),
    "OneCycleLR": lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.2, total_steps=7
    ),
    "LambdaLR": lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.5**n),
    "CosineAnnealingLR": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_finder_after_the_schedule_was_built(name):
    """Does a schedule that stands when the finder runs take the same learning rates after it?"""
    rates = []
    for sweep in (False, True):
        model, optimizer, loader = make_parts()
        schedule = SCHEDULES[name](optimizer)
        if sweep:
            find_lr(model, optimizer, loader, steps=5)
        settings = {"epochs": 2, "schedule": schedule, "record": {"lr": lr_of}}
        if name == "OneCycleLR":  # one step longer than the training, as PyTorch's wants it
            with pytest.warns(UserWarning, match="ends before it"):
                history = fit(model, optimizer, loader, **settings)
        else:
            history = fit(model, optimizer, loader, **settings)
        rates.append(history.recorded["lr"])
    assert rates[0] == rates[1] and len(set(rates[0])) > 4


@pytest.mark.parametrize("name", SCHEDULES)
def test_finder_moves_no_schedule(name):
    """Does a schedule's first `step()` count no step that only the finder took?"""
    model, optimizer, loader = make_parts()
    schedule = SCHEDULES[name](optimizer)
    position = getattr(schedule, "steps_done", 0), lr_of(optimizer)
    find_lr(model, optimizer, loader, steps=5)
    assert (getattr(schedule, "steps_done", 0), lr_of(optimizer)) == position
    if name == "OneCycle":
        schedule.step()
        assert (schedule.steps_done, lr_of(optimizer)) == position


# --- samplers and data sets that count epochs -----------------------------------------------------

LABELS = torch.tensor([0] * 13 + [1] * 3)


class Indices(Dataset):
    """Notes which samples are drawn, and the epoch it was told."""

    def __init__(self, n=16):
        self.n, self.drawn, self.told = n, [], []

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        self.drawn.append(index)
        return torch.ones(6), index % 3


class TellsEpoch(Indices):
    """A data set that has the method itself."""

    def set_epoch(self, epoch):
        self.told.append(epoch)


def distributed_sampler(data):
    return torch.utils.data.DistributedSampler(data, num_replicas=2, rank=0, seed=1)


WITH_EPOCHS = {
    "sampler": lambda data: DataLoader(data, 8, sampler=OversamplingSampler(LABELS)),
    "batch_sampler": lambda data: DataLoader(
        data, batch_sampler=BatchSampler(OversamplingSampler(LABELS), 8, False)
    ),
    "own batch sampler": lambda data: DataLoader(
        data, batch_sampler=Grouped(OversamplingSampler(LABELS))
    ),
    "DistributedSampler": lambda data: DataLoader(data, 8, sampler=distributed_sampler(data)),
}


@pytest.mark.parametrize("name", WITH_EPOCHS)
def test_each_epoch_has_its_own_order(name):
    """Does `fit` draw other copies, in another order, in each epoch?"""
    data, model = Indices(), make_net()
    fit(model, make_sgd(model), WITH_EPOCHS[name](data), epochs=3)
    epochs = np.split(np.array(data.drawn), 3)
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize(
    "nest",
    [
        lambda data: data,
        lambda data: Subset(data, range(8)),
        lambda data: ConcatDataset([Indices(8), data]),
        lambda data: Subset(ConcatDataset([data, data]), range(4)),
    ],
)
def test_data_set_is_told_the_epoch(nest):
    """Is a data set that counts epochs told each, however deep it lies?"""
    data, model = TellsEpoch(), make_net()
    fit(model, make_sgd(model), DataLoader(nest(data), 8), epochs=3)
    assert data.told == [0, 1, 2]


def test_resumed_run_is_told_its_epoch(tmp_path):
    """Does a resumed run go on with the copies of its epoch, not with those of the first?"""
    drawn = []
    for epochs in ((3,), (1, 3)):
        data = Indices()
        for number in epochs:
            model = make_net()
            path = tmp_path / f"{len(epochs)}.pt"
            fit(
                model, make_sgd(model), WITH_EPOCHS["sampler"](data), epochs=number, checkpoint=path
            )
        drawn.append(data.drawn)
    assert drawn[0] == drawn[1]


# --- weighted and masked losses -------------------------------------------------------------------

CLASS_WEIGHTS = torch.tensor([1.0, 10.0, 100.0])


class MaskedMean:
    """A loss of one's own that leaves out targets below 0, and says what it divides by."""

    def __call__(self, predictions, targets):
        mask = targets >= 0
        return F.cross_entropy(predictions, targets.clamp(min=0), reduction="none")[mask].mean()

    def batch_weight(self, targets):
        return (targets >= 0).sum()


LOSSES = {
    "cross_entropy": F.cross_entropy,
    "weight": partial(F.cross_entropy, weight=CLASS_WEIGHTS),
    "module": nn.CrossEntropyLoss(weight=CLASS_WEIGHTS),
    "ignore_index": nn.CrossEntropyLoss(ignore_index=2),
    "both": partial(F.cross_entropy, weight=CLASS_WEIGHTS, ignore_index=1),
    "nll": nn.NLLLoss(weight=CLASS_WEIGHTS),
    "label smoothing": nn.CrossEntropyLoss(label_smoothing=0.1),
    "own": MaskedMean(),
    "soft targets": F.cross_entropy,
    "regression": F.mse_loss,
}


def targets_for(name, targets):
    if name == "own":
        return targets - 1
    if name in ("soft targets", "regression"):
        return F.one_hot(targets, 3) * 0.7 + 0.1
    return targets


def net_for(name):
    model = make_net()
    return nn.Sequential(model, nn.LogSoftmax(1)) if name == "nll" else model


@pytest.mark.parametrize("name", LOSSES)
def test_accumulated_parts_equal_one_batch(name):
    """Is the gradient of batches of 7 that of all 40 samples at once, and so the loss?"""
    inputs, targets = make_data(40)
    targets, results = targets_for(name, targets), []
    for size in (40, 7):
        model = net_for(name)
        step = TrainStep(model, torch.optim.SGD(model.parameters(), 0), loss_function=LOSSES[name])
        loss = step(*zip(inputs.split(size), targets.split(size), strict=True))
        results.append([loss, *(p.grad for p in model.parameters())])
    for whole, parts in zip(*results, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_evaluation_does_not_depend_on_the_batch_size(name):
    """Is the mean loss the same for batches of 40, 8, 3 and 1?"""
    inputs, targets = make_data(40)
    targets, model = targets_for(name, targets), net_for(name)
    with torch.no_grad():
        right = LOSSES[name](model(inputs), targets).item()
    for size in (40, 8, 3, 1):
        batches = list(zip(inputs.split(size), targets.split(size), strict=True))
        assert evaluate(model, batches, loss_function=LOSSES[name])[0] == pytest.approx(right)


@pytest.mark.parametrize("name", ["weight", "ignore_index", "own"])
def test_epoch_mean_of_a_weighted_loss(name):
    """Is an epoch's training loss that of its samples together, when nothing is learnt?"""
    inputs, targets = make_data(40)
    targets, model = targets_for(name, targets), make_net()
    right = LOSSES[name](model(inputs), targets).item()
    batches = list(zip(inputs.split(7), targets.split(7), strict=True))
    optimizer = torch.optim.SGD(model.parameters(), 1e-30)
    history = fit(model, optimizer, batches, epochs=1, loss_function=LOSSES[name])
    assert history.train_loss == [pytest.approx(right)]


# --- accuracy, metrics and the batches people bring -----------------------------------------------


class Fixed(nn.Module):
    """Answers with what it is given, so that the right result is known."""

    def __init__(self, shape=(-1,)):
        super().__init__()
        self.shape, self.scale = shape, nn.Parameter(torch.ones(()))

    def forward(self, inputs):
        return inputs.reshape(len(inputs), *self.shape[1:]) * self.scale


def soft_cross_entropy(predictions, targets):
    return F.binary_cross_entropy_with_logits(predictions.flatten(), targets.flatten().float())


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("kind", [torch.int64, torch.uint8, torch.bool])
def test_accuracy_of_one_logit(shape, kind):
    """Is a one-logit classifier right where the sign of its logit says the class?"""
    logits, targets = torch.tensor([3.0, -1, 0.2, -4]), torch.tensor([1, 1, 0, 0]).to(kind)
    batches = [(logits[:3], targets[:3]), (logits[3:], targets[3:])]
    _, accuracy = evaluate(Fixed(shape), batches, loss_function=soft_cross_entropy)
    assert accuracy == 0.5


class Recall:
    """A metric as torchmetrics has them."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.hits = self.all = 0

    def update(self, predictions, targets):
        self.hits += ((predictions.argmax(1) == targets) & (targets == 1)).sum()
        self.all += (targets == 1).sum()

    def compute(self):
        return self.hits / self.all


def top2(predictions, targets):
    return (predictions.topk(2).indices == targets[:, None]).any(1).float().mean()


@pytest.mark.parametrize("size", [24, 7])
@pytest.mark.parametrize("kind", ["object", "function"])
def test_metrics(kind, size):
    """Are metrics, of either kind, those of the whole set whatever the batch size, each epoch?"""
    metric = Recall() if kind == "object" else top2
    model, optimizer, loader = make_parts()
    settings = {"epochs": 2, "valid_loader": make_loader(batch_size=size)}
    history = fit(model, optimizer, loader, metrics={"m": metric}, **settings)
    inputs, targets = make_data()
    predictions = model(inputs)
    right = top2(predictions, targets)
    if kind == "object":
        right = (predictions.argmax(1) == targets)[targets == 1].float().mean()
    assert len(history.valid_metrics["m"]) == 2
    assert history.valid_metrics["m"][-1] == pytest.approx(right.item())


def detections():
    images = torch.ones(4, 6)
    return images, [{"boxes": torch.rand(n, 4), "labels": torch.zeros(n)} for n in (0, 1, 2, 3)]


BATCHES = {
    "three tensors": lambda: (torch.ones(4, 6), torch.zeros(4).long(), torch.ones(4)),
    "dict": lambda: {"image": torch.ones(4, 6), "label": torch.zeros(4).long()},
    "several inputs": lambda: ((torch.ones(4, 6), torch.ones(4, 2)), torch.zeros(4).long()),
    "detection targets": detections,
    "inputs alone": lambda: torch.ones(4, 6),
}


@pytest.mark.parametrize("run", ["fit", "find_lr"])
@pytest.mark.parametrize("name", BATCHES)
def test_batches_that_are_no_pairs(name, run):
    """Do batches of any kind train and sweep through `step=`, and is the way said without it?"""
    model = make_net()
    optimizer, batches = make_sgd(model), [BATCHES[name](), BATCHES[name]()]

    def step(batch):
        inputs = batch["image"] if isinstance(batch, dict) else batch
        while not torch.is_tensor(inputs):
            inputs = inputs[0]
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    def start(**settings):
        if run == "fit":
            return fit(model, optimizer, batches, epochs=8, **settings).train_loss
        return find_lr(model, optimizer, batches, steps=8, max_lr=0.1, **settings).losses

    with pytest.raises(TypeError, match="a pair of inputs and targets.*step="):
        start()
    losses = start(step=step)
    assert len(losses) == 8 and losses[-1] < losses[0]


def test_mean_of_a_step_counts_samples():
    """Is the epoch's mean of a step of one's own weighted by the samples of its dicts?"""
    model, losses = make_net(), iter([torch.tensor(1.0), torch.tensor(4.0)])
    batches = [{"image": torch.ones(6, 2)}, {"image": torch.ones(2, 2)}]
    history = fit(model, make_sgd(model), batches, epochs=1, step=lambda batch: next(losses))
    assert history.train_loss == [(1 * 6 + 4 * 2) / 8]


# --- schedules ------------------------------------------------------------------------------------


def refused_schedule(words, make, *, warns=False, **settings):
    """Say that a schedule is refused, or remarked on, before anything has changed."""
    model, optimizer, loader = make_parts()
    before = copy.deepcopy(model.state_dict())
    settings = {"epochs": 4, "schedule": make(optimizer), **settings}
    if warns:
        with pytest.warns(UserWarning, match=words):
            return fit(model, optimizer, loader, **settings)
    with pytest.raises(ValueError, match=words):
        fit(model, optimizer, loader, **settings)
    assert same(model.state_dict(), before)


def of_another(make):
    return lambda optimizer: make(make_sgd(make_net()))


lr_schedulers = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (of_another(lambda optimizer: OneCycle(optimizer, 0.1, 12)), "another optimizer"),
        (of_another(lambda o: lr_schedulers.StepLR(o, 5)), "another optimizer"),
        (of_another(lr_schedulers.ReduceLROnPlateau), "another optimizer"),
        (lambda optimizer: OneCycle(optimizer, 0.1, 7), "7 steps left.*takes 12"),
        (lambda o: lr_schedulers.OneCycleLR(o, 0.1, total_steps=7), "steps left.*takes 12"),
        (lr_schedulers.ReduceLROnPlateau, "validation loss: give valid_loader"),
        (lambda optimizer: 0.1, "no step"),
    ],
)
def test_schedule_that_cannot_work(make, words):
    """Is it refused in one sentence before the first step?"""
    refused_schedule(words, make)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda optimizer: OneCycle(optimizer, 0.1, 1000), "1000 steps left.*takes 12"),
        (lambda o: lr_schedulers.CosineAnnealingLR(o, 4), "counts to 4 .*3 an epoch"),
        (lambda o: lr_schedulers.StepLR(o, 2), "counts to 2 "),
        (lambda o: lr_schedulers.MultiStepLR(o, [1, 3]), "counts to 3 "),
        (lambda o: lr_schedulers.LinearLR(o, total_iters=4), "counts to 4 "),
    ],
)
def test_schedule_to_be_remarked_on(make, words):
    """Does one remark say that a schedule counts something else, and the training go on?"""
    assert refused_schedule(words, make, warns=True).epochs == 4


def test_plateau_looks_at_the_validation_loss():
    """Does `ReduceLROnPlateau` come down once an epoch when the validation loss gets no better?"""
    model = make_net()
    optimizer = torch.optim.SGD(model.parameters(), 1e-30)
    schedule = lr_schedulers.ReduceLROnPlateau(optimizer, patience=0, factor=0.5, eps=0)
    settings = {"valid_loader": make_loader(), "schedule": schedule, "record": {"lr": lr_of}}
    history = fit(model, optimizer, make_loader(), epochs=4, **settings)
    expected = [1e-30, 1e-30, 5e-31, 2.5e-31]
    assert history.recorded["lr"] == [lr for lr in expected for _ in range(3)]


# --- what was frozen on purpose, and how a training ends ------------------------------------------


@pytest.mark.parametrize("run", ["fit", "find_lr"])
def test_frozen_batch_norm(run):
    """Does batch norm that was put into evaluation mode keep its mode and its statistics?"""
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    model[1].eval()
    means = []
    model[1].register_forward_hook(lambda part, *_: means.append(part.training))
    if run == "fit":
        fit(model, make_sgd(model), make_loader(), epochs=2)
    else:
        find_lr(model, make_sgd(model), make_loader(), steps=6)
    assert not any(means) and len(means) == 6
    assert not model[1].training and not model[1].running_mean.any() and model.training


def raise_stop(history):
    raise StopTraining


@pytest.mark.parametrize(
    ("callback", "epochs"),
    [(lambda history: history.epochs == 2, 2), (raise_stop, 1), (lambda history: 1, 5)],
)
def test_callback_ends_the_training(callback, epochs):
    """Does True or `StopTraining` end it with its history, and nothing else that is returned?"""
    model, optimizer, loader = make_parts()
    history = fit(model, optimizer, loader, epochs=5, callbacks=[callback])
    assert (history.epochs, len(history.step_loss)) == (epochs, 3 * epochs)


@pytest.mark.parametrize("at", [1, 4, 6])
def test_interrupt_keeps_the_history(at):
    """Does Ctrl-C reach the prompt with all the steps that were taken?"""
    model, optimizer, loader = make_parts()
    taken, plain = [], TrainStep(model, optimizer)

    def step(batch):
        if len(taken) == at:
            raise KeyboardInterrupt
        taken.append(plain(batch).item())
        return torch.tensor(taken[-1])

    with pytest.raises(KeyboardInterrupt) as caught:
        fit(model, optimizer, loader, epochs=5, step=step)
    assert caught.value.history.step_loss == taken and len(taken) == at
    assert caught.value.history.epochs == at // 3


def test_averaged_weights_are_pytorchs():
    """Is the average that of `AveragedModel`, updated after each step?"""
    model, optimizer, loader = make_parts()
    twin, other, _ = make_parts()
    average = AveragedWeights(model, decay=0.8)
    fit(model, optimizer, loader, epochs=2, callbacks=[average])
    function = swa_utils.get_ema_multi_avg_fn(0.8)
    right = swa_utils.AveragedModel(twin, multi_avg_fn=function, use_buffers=True)
    for _ in range(2):
        for inputs, targets in loader:
            other.zero_grad()
            F.cross_entropy(twin(inputs), targets).backward()
            other.step()
            right.update_parameters(twin)
    assert same(average.model.state_dict(), right.state_dict())


@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_gradient_norm_is_recorded(clip_norm):
    """Is each step's norm that of all gradients together, the clipped one where they are?"""
    model, optimizer, loader = make_parts()
    twin = copy.deepcopy(model)
    F.cross_entropy(twin(next(iter(loader))[0]), next(iter(loader))[1]).backward()
    right = sum(p.grad.square().sum() for p in twin.parameters()).sqrt().item()
    settings = {"record": {"norm": gradient_norm}, "clip_norm": clip_norm}
    norms = fit(model, optimizer, loader, epochs=1, **settings).recorded["norm"]
    assert norms[0] == pytest.approx(clip_norm or right, rel=1e-3) and len(norms) == 3


# --- loud, in words that help ---------------------------------------------------------------------


class OutputDict(nn.Module):
    """Answers in a dict, as models of transformers do."""

    def __init__(self):
        super().__init__()
        self.net = make_net()

    def forward(self, inputs):
        return {"logits": self.net(inputs)}


def test_model_output_in_a_dict():
    """Does a model that answers in a dict train and validate with a loss that takes it?"""
    model = OutputDict()
    settings = {"loss_function": lambda output, y: F.cross_entropy(output["logits"], y)}
    settings |= {"epochs": 2, "valid_loader": make_loader()}
    history = fit(model, make_sgd(model), make_loader(), **settings)
    assert history.valid_loss[1] < history.valid_loss[0]
    assert np.isnan(history.valid_accuracy).all()


NO_LOSSES = {
    "(1,)": (lambda o, y: F.cross_entropy(o, y)[None], r"shape \(1,\)"),
    "none": (partial(F.cross_entropy, reduction="none"), r"shape \(8,\).*mean"),
    "float": (lambda o, y: F.cross_entropy(o, y).item(), "computed from the predictions"),
    "None": (lambda o, y: None, "The loss is None"),
    "dict": (lambda o, y: {"loss": F.cross_entropy(o, y)}, "of type dict"),
    "no graph": (lambda o, y: F.cross_entropy(o, y).detach(), "without a graph"),
}


@pytest.mark.parametrize("run", [partial(fit, epochs=1), partial(find_lr, steps=4), "evaluate"])
@pytest.mark.parametrize("name", NO_LOSSES)
def test_what_is_no_loss(name, run):
    """Does one sentence say at the first step what the loss is and what it must be?"""
    loss, words = NO_LOSSES[name]
    model, optimizer, loader = make_parts()
    if run == "evaluate" and name == "no graph":
        assert evaluate(model, loader, loss_function=loss) == evaluate(model, loader)
        return
    with pytest.raises(TypeError, match=words):
        if run == "evaluate":
            evaluate(model, loader, loss_function=loss)
        else:
            run(model, optimizer, loader, loss_function=loss)


def test_error_of_a_users_loss():
    """Does an error of one's own loss come out as it is?"""

    def loss(predictions, targets):
        raise ValueError("missing key 'alpha'")

    model, optimizer, loader = make_parts()
    with pytest.raises(ValueError) as caught:
        fit(model, optimizer, loader, epochs=1, loss_function=loss)
    assert str(caught.value) == "missing key 'alpha'" and not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_in_the_data(value):
    """Is a NaN in the data named by its batch, and not answered by a lower learning rate?"""
    inputs, targets = make_data()
    inputs[9, 2] = value
    model = make_net()
    loader = DataLoader(TensorDataset(inputs, targets), 8)
    with pytest.raises(NonFiniteLoss, match="batch 2 holds NaN or infinite") as caught:
        fit(model, make_sgd(model), loader, epochs=1)
    assert "learning rate" not in str(caught.value) and len(caught.value.history.step_loss) == 1


@pytest.mark.parametrize("name", ["loader", "valid_loader"])
def test_generator_as_loader(name):
    """Is a one-shot generator refused before an epoch was trained, and taken for one epoch?"""
    model, optimizer, loader = make_parts()
    before = copy.deepcopy(model.state_dict())

    def start(epochs):
        loaders = {"loader": loader, "valid_loader": loader}
        loaders[name] = (batch for batch in list(loader))
        return fit(model, optimizer, epochs=epochs, **loaders)

    with pytest.raises(ValueError, match=f"{name} is a one-shot iterator"):
        start(2)
    assert same(model.state_dict(), before)
    assert len(start(1).step_loss) == 3


def test_stream_without_a_length():
    """Does the finder sweep over a DataLoader's stream, which has no length?"""
    model, loader = make_net(), DataLoader(Stream(torchs()), 8)
    assert len(find_lr(model, make_sgd(model), loader, max_lr=1e-3).losses) == 200


def test_model_without_parameters():
    """Is a model that has none evaluated, and refused by what would train it?"""
    batches = [(torch.eye(3), torch.tensor([0, 1, 0]))]
    assert evaluate(nn.Identity(), batches)[1] == pytest.approx(2 / 3)
    for run in (partial(fit, epochs=1), find_lr):
        with pytest.raises(ValueError, match="Identity has no trainable parameter"):
            run(nn.Identity(), make_sgd(make_net()), batches)


def no_change(parts):
    return {}


def other_seed(parts):
    torch.manual_seed(99)
    return {}


def other_lr(parts):
    parts[1].param_groups[0]["lr"] = 0.01
    return {}


def other_data(parts):
    parts[2] = make_loader(n=22)
    return {}


def other_values(parts):
    inputs, targets = parts[2].dataset.tensors
    parts[2] = DataLoader(TensorDataset(inputs + 1, targets), parts[2].batch_size)
    return {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_seed, "its random seed is 5, but here it is 99; give each run a file"),
        (other_data, "its data is"),
        (other_values, "its data is"),
        (other_lr, r"lr of group 0 is 0.1, but here it is 0.01.*override=\['lr'\]"),
    ],
)
def test_checkpoint_of_another_run(change, words, tmp_path):
    """Is the file of a run of another seed, data or learning rate refused, nothing changed?"""
    fit(*make_parts(), epochs=1, checkpoint=tmp_path / "run.pt")
    parts = list(make_parts())
    change(parts)
    before = copy.deepcopy(parts[0].state_dict())
    with pytest.raises(ValueError, match=words):
        fit(*parts, epochs=2, checkpoint=tmp_path / "run.pt")
    assert same(parts[0].state_dict(), before)


def test_learning_rate_changed_on_purpose(tmp_path):
    """Does `override` go on with the new learning rate, and keep the momenta?"""
    path, record = tmp_path / "run.pt", {"lr": lr_of}
    fit(*make_parts(), epochs=1, checkpoint=path, record=record)
    parts = make_parts()
    other_lr(parts)
    history = fit(*parts, epochs=2, checkpoint=path, record=record, override=["lr"])
    assert history.recorded["lr"] == [0.1] * 3 + [0.01] * 3
    twin = make_parts()
    fit(*twin, epochs=1)
    other_lr(twin)
    fit(*twin, epochs=1)
    assert same(parts[0].state_dict(), twin[0].state_dict())


@pytest.mark.parametrize("first", [True, False])
def test_compiled_or_not(first, tmp_path):
    """Does a checkpoint of a compiled model go on uncompiled, and the other way round?"""

    def start(compiled, epochs, path=None):
        model, optimizer, loader = make_parts()
        used = torch.compile(model, backend="eager") if compiled else model
        fit(used, optimizer, loader, epochs=epochs, checkpoint=path)
        return model.state_dict()

    start(first, 1, tmp_path / "run.pt")
    assert same(start(not first, 2, tmp_path / "run.pt"), start(False, 2))


def cosine_loss(predictions, targets):
    return -F.cosine_similarity(predictions, F.one_hot(targets, 3).double()).mean()


def squared_error(predictions, targets):
    return F.mse_loss(predictions, F.one_hot(targets, 3).to(predictions.dtype))


@pytest.mark.parametrize("loss", [cosine_loss, squared_error, F.cross_entropy])
@pytest.mark.parametrize("level", [1, -5, 100])
def test_level_of_the_loss(loss, level):
    """Does a constant in the loss, as in 1 - cosine, change neither the sweep's end nor a pick?"""

    def sweep(loss_function):
        model, _, loader = make_parts(shuffle=True)
        batches = [(inputs.double(), targets) for inputs, targets in loader]
        model.double()
        return find_lr(model, make_sgd(model), batches, loss_function=loss_function, max_lr=1e3)

    plain, raised = sweep(loss), sweep(lambda *batch: level + loss(*batch))
    assert (plain.stop_reason, plain.lrs) == (raised.stop_reason, raised.lrs)
    assert plain.suggestion() == raised.suggestion()


@pytest.mark.parametrize("level", [0.0, -20.0])
@pytest.mark.parametrize("loss", [F.cross_entropy, squared_error])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
def test_divergence_ends_a_sweep(optimizer, loss, level):
    """Does a loss that explodes end a sweep as diverged, below zero at its start or above?"""
    model, _, loader = make_parts(shuffle=True)
    settings = {"loss_function": lambda *batch: level + loss(*batch), "max_lr": 1e6}
    curve = find_lr(model, optimizer(model.parameters(), lr=0.1), loader, **settings)
    assert curve.stop_reason == "diverged" and curve.lrs[-1] < 1e5


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"clip_norm": 0.05}, {"amp": True}])
def test_one_trains_as_one_swept(settings):
    """Are the finder's losses those of `fit` with the same settings and learning rate?"""
    losses = fit(*make_parts(n=32), epochs=2, **settings).step_loss
    narrow = {"min_lr": 0.1, "max_lr": 0.1 * (1 + 1e-9), "steps": len(losses)}
    assert find_lr(*make_parts(n=32), **narrow, **settings).losses == pytest.approx(
        losses, rel=1e-4
    )


@pytest.fixture
def one_rank(tmp_path):
    store = f"file://{tmp_path}/store"
    torch.distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


SAME_FOR_ALL = {
    "in order": {"batch_size": 8},
    "shuffled": {"shuffle": True},
    "WeightedRandomSampler": {"sampler": WeightedRandomSampler([1.0] * 24, 24)},
    "batch_sampler": {"batch_sampler": BatchSampler(RandomSampler(range(24)), 8, False)},
}


@pytest.mark.parametrize("name", SAME_FOR_ALL)
def test_loader_that_gives_every_rank_the_same(name, one_rank):
    """Is a DataLoader without a sampler for ranks refused where ranks run?"""
    model = make_net()
    loader = DataLoader(TensorDataset(*make_data()), **SAME_FOR_ALL[name])
    with pytest.raises(ValueError, match="gives every rank the same samples"):
        fit(model, make_sgd(model), loader, epochs=1)


@pytest.mark.parametrize("nested", [False, True])
def test_distributed_sampler(nested, one_rank):
    """Does a DataLoader with a sampler for ranks train where they run, told each epoch?"""
    data, model = Indices(), make_net()
    loader = WITH_EPOCHS["DistributedSampler"](data)
    if nested:
        loader = DataLoader(data, batch_sampler=BatchSampler(loader.sampler, 8, False))
    fit(model, make_sgd(model), loader, epochs=2)
    assert len(data.drawn) == 16 and data.drawn[:8] != data.drawn[8:]
