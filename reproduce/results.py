"""What a result leaves: a small JSON in `reproduce/results/`, pictures in `docs/pictures/`."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_gan.core.files import write_atomically
from keras_gan.core.versions import versions
from keras_gan.evaluation.likelihood import ParzenSettings

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
PICTURES = ROOT / "docs" / "pictures" / "reproduction"


def machine() -> dict[str, Any]:
    """The processor, its cores and memory, and how busy it is now."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = [line for line in information.read_text().splitlines() if "model name" in line]
        model = lines[0].partition(":")[2].strip() if lines else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def keep_picture(source: Path, name: str) -> str:
    """Copies a picture to the documents; returns its place there, as the page links it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, PICTURES / name)
    return link(PICTURES / name)


def link(picture: Path) -> str:
    """A picture's place as seen from `docs/`."""
    return picture.relative_to(ROOT / "docs").as_posix()


def save(
    name: str, *, title: str, command: str, rows: Iterable[dict[str, Any]], **facts: Any
) -> None:
    """Writes the JSON of a result.

    Args:
        name: Of the file.
        title: Heading on the page.
        command: What makes this result anew.
        rows: Rows of its table, all with the same columns.
        **facts: `seeds`, `protocol`, `machine`, `seconds`, `pictures` and what else the page shows.
    """
    found = {
        "result": name,
        "title": title,
        "command": command,
        "rows": list(rows),
        **facts,
        "versions": versions(),
    }
    RESULTS.mkdir(exist_ok=True)
    write_atomically(RESULTS / f"{name}.json", json.dumps(found, indent=1) + "\n")


def nats(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a likelihood, from the fields of a `LogLikelihood`."""
    refined = row["refined"]
    return {
        **{name: row[name] for name in ("mean", "standard_error", "bandwidth")},
        "refined": refined["mean"] if refined else "",
    }


def protocol(likelihood: dict[str, Any]) -> dict[str, Any]:
    """What has to be equal for two likelihoods to be compared."""
    names = (*(f.name for f in dataclasses.fields(ParzenSettings) if f.name != "refine"), "test")
    return {name: likelihood[name] for name in names}


def seconds_since(began: float) -> float:
    """Seconds since then, by `time.monotonic`."""
    return round(time.monotonic() - began, 1)


def load(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """All results, by name."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
