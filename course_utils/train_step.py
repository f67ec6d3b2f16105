"""One step of gradient descent, as on the blackboard: predict, loss, backward, step."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.batch_loss import check_pair, loss_of
from course_utils.limits import check_type


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

    Raises:
        TypeError: the model is no `nn.Module`, or the optimizer none of `torch.optim`.
        ValueError: the model has no parameter that can be trained, or the optimizer holds none of
            the model's.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
        *,
        amp: bool | None = None,
    ):
        check_type("model", model, nn.Module)
        check_type("optimizer", optimizer, torch.optim.Optimizer)
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
        self.model, self.optimizer, self.loss_function = model, optimizer, loss_function
        self.device = next(model.parameters()).device
        self.amp_type, self.scaler = self._precision(amp)

    def __call__(self, *batches: tuple[Tensor, Tensor]) -> Tensor:
        """Take one optimizer step on one batch, or on several whose gradients are accumulated.

        Args:
            batches: pairs (inputs, targets). With several, the gradient is that of the mean over
                all their samples, as if they were one batch (batch-norm statistics excepted).

        Returns:
            The loss before the step: a detached 0-d tensor on the device.

        Raises:
            TypeError: a batch is no pair of tensors.
            ValueError: there is no batch, or the loss function refuses the targets, see
                `batch_loss.loss_of`.
        """
        if not batches:
            raise ValueError("There is no batch to step on: give at least one.")
        for batch in batches:
            check_pair(batch)
        self.optimizer.zero_grad()
        if len(batches) == 1:
            loss = self._backward(*batches[0])
        else:
            total = sum(len(targets) for _, targets in batches)
            loss = sum(self._backward(*batch, weight=len(batch[1]) / total) for batch in batches)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return loss

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of one batch with its graph, under the step's own precision."""
        inputs, targets = inputs.to(self.device), targets.to(self.device)
        if self.amp_type is None:
            return loss_of(self.loss_function, self.model(inputs), targets)
        with torch.autocast(self.device.type, self.amp_type):
            return loss_of(self.loss_function, self.model(inputs), targets)

    def _backward(self, inputs: Tensor, targets: Tensor, weight: float = 1.0) -> Tensor:
        loss = self.loss(inputs, targets)
        if weight != 1.0:
            loss = loss * weight
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        return loss.detach()

    def _precision(
        self, amp: bool | None
    ) -> tuple[torch.dtype | None, torch.amp.GradScaler | None]:
        if not (self.device.type == "cuda" if amp is None else amp):
            return None, None
        if self.device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, None
        return torch.float16, torch.amp.GradScaler(self.device.type)
