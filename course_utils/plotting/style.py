"""The figures' style and colours: the same thing has the same colour in every lesson.

The palette is that of Okabe and Ito (2008), which people with colour-vision deficiency can tell
apart.
"""

from __future__ import annotations

import matplotlib.pyplot as plt

OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}
COLOURS = {
    "train": OKABE_ITO["blue"],
    "valid": OKABE_ITO["vermilion"],
    "learning rate": OKABE_ITO["black"],
    "momentum": OKABE_ITO["purple"],
    "suggestion": OKABE_ITO["purple"],
    "1cycle": OKABE_ITO["green"],
    "step decay": OKABE_ITO["orange"],
    "linear decay": OKABE_ITO["sky blue"],
    "constant": OKABE_ITO["black"],
    "constant + cooldown": OKABE_ITO["vermilion"],
    "1cycle with constant momentum": OKABE_ITO["purple"],
    # lesson 01: ways to treat imbalanced data
    "as it is": OKABE_ITO["black"],
    "oversampling": OKABE_ITO["green"],
    "weighted loss": OKABE_ITO["sky blue"],
    "undersampling": OKABE_ITO["orange"],
    "prior correction": OKABE_ITO["purple"],
    # lesson 03: optimizers
    "SGD": OKABE_ITO["black"],
    "momentum SGD": OKABE_ITO["blue"],
    "Nesterov": OKABE_ITO["green"],
    "RMSprop": OKABE_ITO["orange"],
    "Adam": OKABE_ITO["vermilion"],
    "AdamW": OKABE_ITO["purple"],
    "Muon": OKABE_ITO["purple"],  # never in one figure with AdamW
    # lesson 09: frames in images, and ways to train a detector
    "ship": OKABE_ITO["green"],
    "detection": OKABE_ITO["orange"],
    "before": OKABE_ITO["purple"],
    "ships only": OKABE_ITO["black"],
    "mined": OKABE_ITO["green"],
    "random": OKABE_ITO["blue"],
    "natural mix": OKABE_ITO["vermilion"],
    "focal loss": OKABE_ITO["sky blue"],
    # lesson 05: momentum schedules of 1cycle
    "cyclical": OKABE_ITO["green"],
    "reversed": OKABE_ITO["orange"],
    "constant 0.85": OKABE_ITO["sky blue"],
    "constant 0.90": OKABE_ITO["black"],
    "constant 0.95": OKABE_ITO["vermilion"],
}
_ORDER = ("blue", "vermilion", "green", "purple", "orange", "sky blue")
SERIES = [OKABE_ITO[name] for name in _ORDER]


def colour_of(label: str) -> str:
    """Return the colour of the longest known name that a label starts with, else the first one."""
    names = [name for name in COLOURS if label.startswith(name)]
    return COLOURS[max(names, key=len)] if names else SERIES[0]


def use_course_style() -> None:
    """Set matplotlib's defaults for the lessons: light grid, no box, layout without overlap."""
    plt.rcParams.update(
        {
            "figure.constrained_layout.use": True,
            "figure.dpi": 80,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=SERIES),
        }
    )
