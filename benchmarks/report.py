"""What the benchmarks write: a table a question, as JSON and as Markdown."""

from __future__ import annotations

import json
import math
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import torch

from course_utils._files import atomic_write
from course_utils.training.device import describe_machine, set_threads

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "torch-lr-finder",
    "fastai",
    "lightning",
    "pytorch-ignite",
    "skorch",
    "imbalanced-learn",
)
INTRODUCTION = (
    "Written by `make bench`, which measures `course_utils` beside its peers on one CPU thread; "
    "`results.json` holds the same numbers. Times are medians of paired runs: all of a table "
    "take turns, in random order, so that a change of the machine's speed meets all alike. A "
    "ratio to ours above 1 means that the peer takes longer; ratios are of runs in the same "
    "round, and `quartiles` enclose the middle half of the rounds."
)


@dataclass(frozen=True)
class Table:
    """One question and what was measured.

    Attributes:
        title: the question's subject.
        setting: how it was measured, in a few sentences.
        rows: each a dictionary of the same columns: numbers, words, or [low, high]; a column that a
            row lacks stays empty.
        reading: who wins, and why; without numbers, which belong into the rows.
        lower: columns in which less is better, times apart; ours is the first row.
    """

    title: str
    setting: str
    rows: Sequence[dict]
    reading: str = ""
    lower: Sequence[str] = ()

    def markdown(self) -> str:
        """Lay the table out in Markdown, with title, setting and reading."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        lines = [columns, ["---"] * len(columns)]
        lines += [[format_cell(row.get(name)) for name in columns] for row in self.rows]
        grid = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        return "\n\n".join(filter(None, [f"## {self.title}", self.setting, grid, self.reading]))


def format_cell(value) -> str:
    """Write a cell: numbers to three digits, ranges as "low to high", truth as yes or no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " to ".join(map(format_cell, value))
    if isinstance(value, int) or value == 0:
        return f"{value:,.0f}"
    if isinstance(value, float) and math.isfinite(value):
        digits = max(0, 2 - math.floor(math.log10(abs(value))))
        return f"{value:.2e}" if digits > 5 else f"{value:,.{digits}f}"
    return str(value)


def peers_ahead(tables: Sequence[Table]) -> list[str]:
    """Say where a peer beats ours: in time, or in a column in which less is better.

    In time it does where the upper quartile of its ratios to ours lies below 1.
    """
    sentences = []
    for table in tables:
        for row in table.rows:
            if row.get("its quartiles", [1, 1])[1] < 1:
                time = format_cell(row["ratio to ours"])
                sentences.append(f"{table.title}: {row['']} takes {time} of our time")
            for name in table.lower:
                own, its = table.rows[0][name], row[name]
                if its < own:
                    values = f"{format_cell(its)}, ours {format_cell(own)}"
                    sentences.append(f"{table.title}: {row['']}, {name}: {values}")
    return sentences


def document(content: dict) -> str:
    """Lay the whole of a run out in Markdown: where and with what it ran, and every table."""
    tables = [Table(**table) for table in content["tables"]]
    facts = [f"- {name}: {value}" for name, value in content["machine"].items()]
    facts.append("- " + ", ".join(f"{name} {v}" for name, v in content["versions"].items()))
    ahead = peers_ahead(tables) or ["nowhere in this run"]
    parts = [
        "# Benchmarks beside the peers",
        INTRODUCTION,
        "\n".join(facts),
        "## Where a peer is ahead",
        "\n".join(f"- {sentence}" for sentence in ahead),
        *(table.markdown() for table in tables),
    ]
    if content["missing"]:
        missing = [f"- {name}: {why}" for name, why in content["missing"].items()]
        parts += ["## Missing in this run", "\n".join(missing)]
    return "\n\n".join(parts) + "\n"


def run_row(measure: Callable[[], Sequence[Table]]) -> None:
    """Measure a row on one CPU thread and print its tables; write them too where a path is given.

    The whole of a row module's command line: `python -m benchmarks.NAME [FILE.json]`.
    """
    set_threads(1)
    tables = measure()
    print("\n\n".join(table.markdown() for table in tables))
    if len(sys.argv) > 1:
        write_json(Path(sys.argv[1]), [asdict(table) for table in tables])


def write_json(path: Path, content) -> None:
    """Write JSON in which a number that is not finite is a word, as the standard asks."""
    text = json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as file:
        file.write(text.encode("utf-8") + b"\n")


def machine() -> dict[str, str]:
    """Describe this machine and the time, without naming it."""
    names = describe_machine(torch.device("cpu"))
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "system": f"{platform.system()} {platform.machine()}",
        "CPU": models[0] if models else platform.processor(),
        "cores": names["CPU cores"],
        "threads used": "1",
        "Python": names["Python"],
    }


def versions() -> dict[str, str]:
    """Return the version of each package that is measured."""
    return {name: version(name) for name in PACKAGES}


def _plain(content):
    if isinstance(content, dict):
        return {name: _plain(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, float):
        return float(f"{content:.6g}") if math.isfinite(content) else str(content)
    return content
