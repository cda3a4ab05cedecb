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
    """The table by column, NaN where a value was not measured."""
    try:
        rows = _rows(file)
        return {
            name: [float(row[name]) if row[name] else math.nan for row in rows]
            for name in (rows[0] if rows else ())
        }
    except FileNotFoundError:
        raise InputError(f"{file} does not exist: no epoch was completed") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{file} is damaged: {error}") from error


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
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))
