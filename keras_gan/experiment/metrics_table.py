"""`metrics.csv`: one row for each epoch; a cell is empty where a value was not measured."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

from keras_gan.core.errors import InputError
from keras_gan.core.files import write_atomically


def read(file: Path) -> dict[str, list[float]]:
    """The table by column, NaN where a value was not measured.

    Raises:
        InputError: There is no table, or it is damaged.
    """
    if not file.is_file():
        raise InputError(f"{file} does not exist: no epoch was completed")
    rows = _rows(file)
    return {
        name: [float(row[name]) if row[name] else math.nan for row in rows]
        for name in (rows[0] if rows else ())
    }


def write_row(file: Path, epoch: int, logs: Mapping[str, float]) -> None:
    """Writes the row of an epoch; rows from it on, of an interrupted session, are dropped."""
    measured = {name: float(value) for name, value in logs.items() if not math.isnan(value)}
    row = {"epoch": str(epoch), **{name: repr(value) for name, value in measured.items()}}
    rows = _rows(file) if file.is_file() else []
    rows = [*(old for old in rows if int(old["epoch"]) < epoch), row]
    text = io.StringIO()
    table = csv.DictWriter(
        text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n"
    )
    table.writeheader()
    table.writerows(rows)
    write_atomically(file, text.getvalue())


def _rows(file: Path) -> list[dict[str, str]]:
    """The rows as they are written, each with a number or nothing in every column."""
    try:
        text = file.read_text(encoding="utf-8")
        if text and not text.endswith("\n"):
            raise ValueError("its last line is cut")
        table = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(table, ["epoch"])
        rows = [dict(zip(names, cells, strict=True)) for cells in table]
        for row in rows:
            int(row["epoch"])
            for cell in row.values():
                float(cell or 0)
    except (ValueError, KeyError, csv.Error) as error:
        raise InputError(
            f"{file} is damaged ({error}); move it away, and training begins another table"
        ) from error
    return rows
