"""Command that makes two pages for the classroom: a slide a lesson, and lesson 07's gallery.

    python tools/slides.py --to build/slides

Each page holds its pictures and fetches nothing: a browser shows it, a screenful a slide (Page Down
goes on), and prints it, a sheet a slide.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from course_utils._files import atomic_write

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
GALLERY = "07_plot_the_losses.ipynb"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  @page {{ size: A4 {paper}; margin: 12mm; }}
  html {{ scroll-snap-type: y proximity; }}
  body {{ font: 1.25rem/1.45 system-ui, sans-serif; margin: 0; color: #111; background: #fff; }}
  section {{ box-sizing: border-box; min-height: 100vh; padding: 2vmin 4vmin; break-after: page;
             scroll-snap-align: start; }}
  h1 {{ margin: 0 0 2vmin; color: #0072b2; }}
  .columns {{ display: flex; gap: 4vmin; align-items: center; }}
  .columns > * {{ flex: 1 1 50%; min-width: 0; }}
  .columns > ol, .columns > div {{ flex-basis: 40%; }}
  img {{ max-width: 100%; max-height: 80vh; }}
  .names {{ columns: 4; list-style: upper-alpha; font-size: 1rem; }}
  .names li {{ border-bottom: 1px solid #888; margin-bottom: 0.5rem; }}
  @media print {{ body {{ font-size: 12pt; }} section {{ min-height: 0; padding: 0; }}
                  img {{ max-height: 165mm; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def figure(cell: NotebookNode) -> str:
    """Return the first figure that a cell stores as an element of HTML, or ""."""
    for output in cell.get("outputs", []):
        if picture := output.get("data", {}).get("image/png"):
            alt = html.escape(cell.metadata.get("alt", ""))
            return f'<img alt="{alt}" src="data:image/png;base64,{picture.strip()}">'
    return ""


def recipe(notebook: NotebookNode) -> str:
    """Return the text under a lesson's heading "Recipe"."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.split(r"^## ", text.partition("\n## Recipe\n")[2] + "\n", flags=re.MULTILINE)[0]


def slide(notebook: NotebookNode) -> str:
    """Make a lesson's slide: its title, its first figure, which is its best, and its recipe."""
    title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
    picture = next(filter(None, map(figure, notebook.cells)))
    return (
        f'<section><h1>{html.escape(title)}</h1><div class="columns"><div>{picture}</div>'
        f"<div>{markdown2html(recipe(notebook))}</div></div></section>"
    )


def gallery(notebook: NotebookNode) -> str:
    """Make lesson 07's gallery: a sheet with lines for the diagnoses, and one with the names."""
    sheets = [
        figure(next(cell for cell in notebook.cells if f"names={names})" in cell.source))
        for names in (False, True)
    ]
    words = next(cell.source for cell in notebook.cells if "## A gallery of" in cell.source)
    diagnoses = words.strip().splitlines()[-1]
    lines = "<li>&nbsp;</li>" * len(re.findall("`[^`]+`", diagnoses))
    return (
        f"<section><h1>Fourteen trainings: what is each?</h1>{markdown2html(diagnoses)}{sheets[0]}"
        f'<ol class="names">{lines}</ol></section>'
        f"<section><h1>For the teacher: the diagnoses</h1>{sheets[1]}</section>"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both pages into the folder on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    folder = parser.parse_args(arguments).to
    lessons = {path.name: nbformat.read(path, 4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    slides = "\n".join(map(slide, lessons.values()))
    pages = {
        "slides.html": PAGE.format(title="The lessons' slides", paper="landscape", body=slides),
        "gallery.html": PAGE.format(
            title="A gallery of curves", paper="portrait", body=gallery(lessons[GALLERY])
        ),
    }
    for name, page in pages.items():
        with atomic_write(folder / name) as file:
            file.write(page.encode())
    print(f"{len(lessons)} slides and a gallery: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
