"""Copies the best figures of lessons to docs/pictures, where README.md and the site show them.

python tools/pictures.py        (make badges calls it)
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Lesson -> the picture's name; the lesson's first figure is its best.
PICTURES = {"02": "lr_finder", "09": "ships"}


def first_figure(notebook: Path) -> bytes:
    """Return the first picture that a notebook stores.

    Raises:
        ValueError: it stores none.
    """
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                return base64.b64decode("".join(output["data"]["image/png"]))
    raise ValueError(f"{notebook.name} stores no picture: run `make execute NOTEBOOKS={notebook}`.")


def main(root: Path = ROOT) -> None:
    """Write the pictures."""
    folder = root / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in PICTURES.items():
        (notebook,) = root.glob(f"notebooks/{number}_*.ipynb")
        (folder / f"{name}.png").write_bytes(first_figure(notebook))


if __name__ == "__main__":
    main()
