"""The first steps of a recipe go as recorded, and not so without dropout.

The bands are five standard deviations over the recorded seeds wide on either side of the mean; the
seed played here is none of those. `python -m reproduce.record_dynamics` records them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from reproduce import dynamics, record_dynamics

SEED = 100


def outside(recorded: dict, played: dict[str, dict[str, float]]) -> list[str]:
    """The statistics that left their band, with the numbers."""
    found = []
    for window, statistics in played.items():
        for name, value in statistics.items():
            band = recorded["bands"][window][name]
            if not band["low"] <= value <= band["high"]:
                found.append(f"{window} {name}: {value} not in {band['low']} to {band['high']}")
    return found


def check(name: str) -> None:
    recorded = record_dynamics.recorded(name)
    assert outside(recorded, dynamics.play(name, SEED)) == []
    bare = dynamics.play(name, SEED, dynamics.without_dropout, ("beginning",))
    left = {line.partition(":")[0] for line in outside(recorded, bare)}
    # D knows samples for samples long before it does with dropout.
    assert {"beginning d_fake_accuracy", "beginning d_fake"} <= left


def test_digits() -> None:
    check("digits")


def test_mnist(needs_mnist: Path) -> None:
    check("mnist")


@pytest.mark.parametrize("name", dynamics.PROTOCOLS)
def test_the_bands_are_those_of_the_protocol(name: str) -> None:
    recorded = record_dynamics.recorded(name)
    assert recorded["protocol"] == dataclasses.asdict(dynamics.PROTOCOLS[name])
    assert len(set(recorded["seeds"])) >= 5
    assert SEED not in recorded["seeds"]
    for bands in recorded["bands"].values():
        assert set(bands) == set(dynamics.STATISTICS)


def test_a_recording_has_the_bands_of_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(name, seed, change=None, windows=("beginning", "later")) -> dict:
        return {window: dict.fromkeys(dynamics.STATISTICS, float(seed)) for window in windows}

    monkeypatch.setattr(dynamics, "play", play)
    found, before = record_dynamics.record("digits"), record_dynamics.recorded("digits")
    assert found.keys() == before.keys()
    assert found["bands"].keys() == before["bands"].keys()


def test_band() -> None:
    found = record_dynamics.band([1.0, 2.0, 3.0])
    assert found == {"mean": 2.0, "standard_deviation": 1.0, "low": -3.0, "high": 7.0}
