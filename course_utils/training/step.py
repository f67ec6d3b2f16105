"""One step of gradient descent, as on the blackboard: predict, loss, backward, step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_number, check_parts
from course_utils.training.loss import batch_weight, check_pair, loss_of


class TrainStep:
    """Callable that takes one optimizer step: `loss = step(batch)`.

    The training loop and the learning-rate finder share it, so that the finder's curve is that of
    the training which follows. Nothing here waits for the device.

    Args:
        model: the network; its parameters must all lie on one device.
        optimizer: any `torch.optim.Optimizer` over the model's parameters.
        loss_function: maps (prediction, target) to the mean loss over a batch, a 0-d tensor.
        amp: automatic mixed precision: True, False, or None for 'where it pays', which is on cuda:
            bfloat16, or float16 with a gradient scaler on GPUs that lack it.
        clip_norm: the largest norm of all gradients together; longer ones are scaled down to it
            (Pascanu, Mikolov and Bengio, 2013). None clips nothing.

    Raises:
        TypeError: the model is no `nn.Module`, or the optimizer none of `torch.optim`.
        ValueError: the model has no parameter that can be trained, the optimizer holds none of
            the model's, or `clip_norm` is not positive.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
        amp: bool | None = None,
        clip_norm: float | None = None,
    ):
        check_parts(model, optimizer)
        _check_trainable(model, optimizer)
        if clip_norm is not None:
            check_number("clip_norm", clip_norm, above=0)
        self.model, self.optimizer, self.loss_function = model, optimizer, loss_function
        self.predict, self.clip_norm = model, clip_norm
        self.device = next(model.parameters()).device
        precision = _precision(self.device, amp)
        self.autocast = torch.autocast(self.device.type, precision) if precision else nullcontext()
        # A scaler that is not enabled does nothing.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision is torch.float16)

    def __call__(self, *batches: tuple[Tensor, Tensor]) -> Tensor:
        """Take one optimizer step on one batch, or on several whose gradients are accumulated.

        Several pairs (inputs, targets) give the gradient of the mean over all their samples, as one
        batch would (batch-norm statistics excepted); `loss.batch_weight` weighs them. Returned is
        the loss before the step: a detached 0-d tensor on the device.

        Raises:
            TypeError: a batch is no pair of tensors, or its loss no 0-d tensor with a graph.
            ValueError: there is no batch.
        """
        losses = []
        self.optimizer.zero_grad()
        for inputs, targets, part in self.parts(batches):
            with self.autocast:
                predictions = self.predict(inputs)
                loss = self.loss(predictions, targets, part)
            self.scaler.scale(loss).backward()
            losses.append(loss.detach())
        self.clip_gradients()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def parts(self, batches) -> list[tuple[Tensor, Tensor, Tensor | None]]:
        """Return each batch, on the device, and its part in the mean over all (None: the whole)."""
        if not batches:
            raise ValueError("There is no batch to step on: give at least one.")
        for batch in batches:
            check_pair(batch)
        pairs = [(inputs.to(self.device), targets.to(self.device)) for inputs, targets in batches]
        parts = self.fractions([targets for _, targets in pairs])
        return [(*pair, part) for pair, part in zip(pairs, parts, strict=True)]

    def fractions(self, targets: list[Tensor]) -> list[Tensor | None]:
        """Return the part of each batch in the mean over all of them."""
        if len(targets) == 1:
            return [None]
        weights = self.weights(targets)
        return list(weights / weights.sum())

    def weights(self, targets: list[Tensor]) -> Tensor:
        """Return what the mean over each batch is divided by, exact to double precision."""
        exact = torch.float32 if self.device.type == "mps" else torch.float64
        weights = [batch_weight(self.loss_function, part) for part in targets]
        return torch.stack([torch.as_tensor(w, device=self.device).to(exact) for w in weights])

    def loss(self, predictions, targets: Tensor, part: Tensor | None) -> Tensor:
        """Return the mean loss of one batch times its part in the whole, with its graph."""
        loss = loss_of(self.loss_function, predictions, targets)
        return loss if part is None else loss * part.to(loss.dtype)

    def weight(self, *batches: tuple[Tensor, Tensor]) -> Tensor | int:
        """Return the weight of a step's loss in the mean over an epoch."""
        first, *others = (batch_weight(self.loss_function, targets) for _, targets in batches)
        return sum(others, start=first)

    def clip_gradients(self) -> None:
        """Scale the gradients down to the largest norm that is allowed."""
        if self.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            groups = self.optimizer.param_groups
            parameters = [parameter for group in groups for parameter in group["params"]]
            nn.utils.clip_grad_norm_(parameters, self.clip_norm)


def _check_trainable(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    trainable = {id(p) for p in model.parameters() if p.requires_grad}
    if not trainable:
        raise ValueError(
            f"The model {type(model).__name__} has no trainable parameter (requires_grad): "
            "unfreeze at least one layer."
        )
    if not any(id(p) in trainable for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            f"The optimizer {type(optimizer).__name__} holds no trainable parameter of this "
            "model: build it from model.parameters()."
        )


def _precision(device: torch.device, amp: bool | None) -> torch.dtype | None:
    if not (device.type == "cuda" if amp is None else amp):
        return None
    if device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16
