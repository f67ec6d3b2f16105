"""Copies the best figures of lessons to docs/pictures, where README.md and the site show them.

python tools/pictures.py        (make badges calls it)
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Lesson -> the picture's name, and which of the lesson's figures it is.
PICTURES = {"02": ("lr_finder", 0), "09": ("ships", 2)}


def figures(notebook: Path) -> list[bytes]:
    """Return the pictures that a notebook stores, in their order."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [base64.b64decode("".join(one["image/png"])) for one in data if "image/png" in one]


def main(root: Path = ROOT) -> None:
    """Write the pictures.

    Raises:
        ValueError: a notebook does not store the picture.
    """
    folder = root / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, index) in PICTURES.items():
        (notebook,) = root.glob(f"notebooks/{number}_*.ipynb")
        stored = figures(notebook)
        if len(stored) <= index:
            raise ValueError(
                f"{notebook.name} stores {len(stored)} pictures, too few: run "
                f"`make execute NOTEBOOKS={notebook}`."
            )
        (folder / f"{name}.png").write_bytes(stored[index])


if __name__ == "__main__":
    main()
