"""Practical tricks of training neural networks, each in a tested form.

The public names below are loaded when they are first used: `import course_utils` itself is quick.
"""

from importlib import import_module

_HOMES = {
    "DeviceLoader": "data",
    "ImageDataset": "data",
    "OneCycle": "lr",
    "OneCycleCurve": "lr",
    "OversamplingSampler": "imbalance",
    "TrainStep": "training",
    "evaluate": "training",
    "find_lr": "lr",
    "fit": "training",
    "mine_hard_negatives": "detection",
    "overfit_check": "diagnostics",
    "oversample_indices": "imbalance",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'course_utils' has no attribute {name!r}")
    return getattr(import_module(f"course_utils.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
