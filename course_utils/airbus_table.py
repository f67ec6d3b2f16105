"""The table of Kaggle's Airbus Ship Detection Challenge (2018), row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

COLUMNS = ["ImageId", "EncodedPixels"]


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and fields of the table's rows; blank ones are left out.

    Row numbers are the line numbers of the file; the header is row 1 and is not yielded. A byte
    order mark, quotes and Windows' line ends are understood.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the header is another one, or a row is none that csv can read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no table {path}: correct the path.")
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file)
        try:
            header = next(rows, [])
            if header != COLUMNS:
                raise ValueError(
                    f"The table {path} begins with {','.join(header)[:60]!r}, but must begin with "
                    f"the header {','.join(COLUMNS)!r}."
                )
            yield from ((rows.line_num, fields) for fields in rows if fields)
        except csv.Error as error:
            raise ValueError(
                f"The table {path} cannot be read on from row {rows.line_num} ({error}): mend the "
                "row, or unpack the table anew."
            ) from error
