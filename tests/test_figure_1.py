"""Figure 1's experiment: who learns in which phase, its numbers, its files."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.stats
import small
from PIL import Image

from reproduce import figure_1, results


@pytest.fixture(scope="module")
def experiment():
    return figure_1.Experiment(seed=2**32 - 1)


@pytest.mark.parametrize("learns", ["D", "G", "both"])
def test_only_those_who_learn_move(experiment, learns):
    networks = {"G": experiment.gan.generator, "D": experiment.gan.discriminator}
    before = {name: small.weights(network) for name, network in networks.items()}
    step = int(experiment.gan.step.numpy())
    frames = []
    experiment.train(figure_1.Phase("", learns, 4, 2), lambda: frames.append(1))
    assert len(frames) == 2
    assert int(experiment.gan.step.numpy()) == step + 4
    for name, network in networks.items():
        moved = small.largest_difference(before[name], small.weights(network))
        assert (moved > 0) == (learns in (name, "both"))


def test_measures_where_the_data_lie(experiment):
    panel = experiment.panel("a")
    x, p_data = np.asarray(panel.x), np.asarray(panel.p_data)
    width = x[1] - x[0]
    np.testing.assert_allclose(p_data.sum() * width, 1, atol=1e-3)
    np.testing.assert_allclose(p_data, figure_1.MIXTURE.density(x), atol=3e-3)
    d = np.asarray(panel.optimal) + 0.01
    middle = (np.abs(x - 0.5)).argmin()
    d[middle] += 0.02
    d[[0, -1]] = 5.0  # outside the central 99 %
    found = experiment.distances(dataclasses.replace(panel, discriminator=d))
    np.testing.assert_allclose(found["discriminator_error"], 0.03, rtol=1e-6)
    half = experiment.distances(dataclasses.replace(panel, discriminator=np.full(len(x), 0.3)))
    np.testing.assert_allclose(half["from_half"], 0.2, rtol=1e-6)
    protocol = experiment.protocol()
    assert protocol["p_g"]["samples"] == 1_000_000
    low, high = protocol["compared_over"]["interval"]
    np.testing.assert_allclose(scipy.stats.norm(1, 0.6).cdf([low, high]), [0.005, 0.995], atol=1e-9)


def assert_as_in_the_paper(panels):
    a, b, c, d = panels
    assert a["discriminator_error"] > 0.08  # D is partly accurate, ...
    assert b["discriminator_error"] < 0.05  # ... then optimal for the same G, ...
    assert a["jensen_shannon"] == b["jensen_shannon"]
    assert b["optimal_from_half"] > 0.2  # ... which is not there yet ...
    assert c["from_half"] == b["from_half"]
    assert 0 < c["jensen_shannon"] < b["jensen_shannon"]  # ... but follows D.
    assert d["from_half"] < 0.05
    assert d["optimal_from_half"] < 0.08
    assert d["jensen_shannon"] < 1e-3


def test_the_stored_result_is_as_in_the_paper():
    (stored,) = [found for found in results.load() if found["result"] == "figure_1"]
    assert_as_in_the_paper(stored["rows"])


@pytest.mark.slow
def test_the_command_gives_it_again(tmp_path):
    assert figure_1.main(["--output", str(tmp_path)]) == 0
    panels = json.loads((tmp_path / "figure_1.json").read_text())["panels"]
    assert_as_in_the_paper([p | {"jensen_shannon": p["jensen_shannon"]["value"]} for p in panels])


def test_what_the_command_leaves(tmp_path, capsys, monkeypatch):
    short = [dataclasses.replace(p, steps=2 * p.frame) for p in figure_1.PHASES if p.frame < 300]
    monkeypatch.setattr(figure_1, "PHASES", (*short, short[-1]))
    monkeypatch.setattr(figure_1, "_SAMPLES", 20_000)
    assert figure_1.main(["--output", str(tmp_path)]) == 0
    assert str(tmp_path / "figure_1.png") in capsys.readouterr().out
    report = json.loads((tmp_path / "figure_1.json").read_text())
    assert report["protocol"]["p_g"]["samples"] == 20_000
    series, last = report["series"], report["panels"][-1]
    assert series[-1] == {name: last[name] for name in last if name != "jensen_shannon"}
    assert [row["step"] for row in series] == sorted({row["step"] for row in series})
    with Image.open(tmp_path / "figure_1.gif") as animation:
        assert animation.n_frames == len(series)
        assert animation.n_frames == 1 + sum(p.steps // p.frame for p in figure_1.PHASES)
        with Image.open(tmp_path / "figure_1.png") as still:
            assert still.width > 3 * animation.width


def test_refuses_an_output_that_is_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert figure_1.main(["--output", str(tmp_path / "file")]) == 2
    message = capsys.readouterr().err
    assert message.startswith("figure_1: error: --output")
    assert message.count("\n") == 1


def test_refuses_what_is_no_seed(tmp_path, capsys):
    for seed in (-1, 2**32):
        assert figure_1.main(["--output", str(tmp_path / "out"), "--seed", str(seed)]) == 2
        message = capsys.readouterr().err
        assert f"argument --seed: must be from 0 to 4294967295. Received: {seed}" in message
        assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()
