"""`python -m reproduce.record_dynamics`: the bands of `tests/test_dynamics.py`.

A statistic's band is its mean over the recorded seeds, plus and minus five standard deviations
over them. Beside it stand the same seeds' means without dropout, for the first window. Record
anew only where a change of the dynamics is meant, and say in the commit which.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_gan.core.files import write_atomically
from keras_gan.core.versions import versions
from reproduce import dynamics

FILE = Path(__file__).with_name("dynamics.json")
SEEDS = 6
DEVIATIONS = 5


def band(values: list[float]) -> dict[str, float]:
    """The band that values of one statistic over seeds define."""
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    reach = DEVIATIONS * deviation
    return {
        "mean": mean,
        "standard_deviation": deviation,
        "low": mean - reach,
        "high": mean + reach,
    }


def recorded(name: str) -> dict:
    """What was recorded of a recipe."""
    return json.loads(FILE.read_text())[name]


def record(name: str) -> dict:
    """Plays a recipe with all seeds."""
    seeds = range(SEEDS)
    whole = [dynamics.play(name, seed) for seed in track(seeds, name)]
    bare = [
        dynamics.play(name, seed, dynamics.without_dropout, ("beginning",))["beginning"]
        for seed in track(seeds, f"{name} without dropout")
    ]
    return {
        "protocol": dataclasses.asdict(dynamics.PROTOCOLS[name]),
        "seeds": list(seeds),
        "versions": versions(),
        "bands": {
            window: {
                statistic: band([run[window][statistic] for run in whole])
                for statistic in dynamics.STATISTICS
            }
            for window in whole[0]
        },
        "beginning_without_dropout": {
            statistic: [run[statistic] for run in bare] for statistic in dynamics.STATISTICS
        },
    }


def show(name: str, found: dict) -> None:
    """Prints the bands, and how far from them a discriminator without dropout lies."""
    table = Table(title=f"{name}, {len(found['seeds'])} seeds")
    for column in ("window", "statistic", "mean", "standard deviation", "without dropout"):
        table.add_column(column)
    for window, bands in found["bands"].items():
        for statistic, limits in bands.items():
            bare = found["beginning_without_dropout"][statistic]
            away = (np.array(bare) - limits["mean"]) / limits["standard_deviation"]
            table.add_row(
                window,
                statistic,
                f"{limits['mean']:.5f}",
                f"{limits['standard_deviation']:.5f}",
                f"{away.min():.0f} to {away.max():.0f} deviations" if window == "beginning" else "",
            )
    Console().print(table)


def main() -> None:
    """Records the recipes asked for and keeps the others."""
    parser = argparse.ArgumentParser(description="Record the bands of tests/test_dynamics.py.")
    parser.add_argument(
        "recipes", nargs="*", metavar="RECIPE", help="digits, mnist (both)", default=[]
    )
    for name in parser.parse_args().recipes or dynamics.PROTOCOLS:
        found = record(name)
        others = json.loads(FILE.read_text()) if FILE.exists() else {}
        write_atomically(FILE, json.dumps({**others, name: found}, indent=1) + "\n")
        show(name, found)


if __name__ == "__main__":
    main()
