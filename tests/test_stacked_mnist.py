"""Stacked MNIST: how it is made, and how its modes are counted."""

from __future__ import annotations

import numpy as np
import pytest

from keras_gan import InputError, data
from keras_gan.data import stacked_mnist
from keras_gan.evaluation.collapse import stacked_modes


def digits(images):
    """A classifier of images that are constant, at a tenth of their digit."""
    return np.eye(10)[np.rint(10 * images.mean(axis=(1, 2, 3))).astype(int)]


def images_of(numbers):
    places = np.stack([numbers // 100, numbers // 10 % 10, numbers % 10], axis=-1) / 10
    return np.broadcast_to(places[:, None, None], (len(numbers), 2, 2, 3))


def test_modes_are_counted():
    every = stacked_modes(images_of(np.arange(1000)), digits)
    assert (every.found, every.n) == (1000, 1000)
    assert every.divergence == pytest.approx(0, abs=1e-12)
    one = stacked_modes(images_of(np.full(50, 123)), digits)
    assert (one.found, one.divergence) == (1, pytest.approx(np.log(1000)))
    # Three quarters on one mode, a quarter on another.
    two = stacked_modes(images_of(np.array([7, 7, 7, 400])), digits)
    assert two.found == 2
    expected = 0.75 * np.log(750) + 0.25 * np.log(250)
    assert two.divergence == pytest.approx(expected)
    with pytest.raises(InputError, match=r"\[n, h, w, 3\]"):
        stacked_modes(np.zeros((4, 2, 2, 1)), digits)


def test_stacks_are_of_the_split_s_own_images(monkeypatch):
    splits = [
        data.Split(
            np.full((20, 4, 4, 1), 100 * i, np.uint8)
            + np.arange(20, dtype=np.uint8)[:, None, None, None]
        )
        for i in range(3)
    ]
    mnist = data.DataSet("mnist", *splits, provenance="MNIST")
    monkeypatch.setattr(stacked_mnist, "load_tfds", lambda *_: mnist)
    monkeypatch.setattr(stacked_mnist, "SIZES", {"train": 60, "validation": 30, "test": 40})
    stacked = data.load("stacked_mnist")
    for i, (split, n) in enumerate([("train", 60), ("validation", 30), ("test", 40)]):
        x = getattr(stacked, split).x
        assert x.shape == (n, 4, 4, 3)
        assert (x >= 100 * i).all()
        assert (x < 100 * i + 20).all()
        assert (x == x[:, :1, :1]).all()  # each channel is one image
        assert len(np.unique(x[:, 0, 0], axis=0)) > n / 2
    assert stacked.fingerprint == data.load("stacked_mnist").fingerprint
    assert "MNIST" in stacked.provenance
