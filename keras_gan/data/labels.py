"""Data sets with few labels, for semi-supervised learning."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_gan.core.arguments import integer
from keras_gan.core.errors import InputError
from keras_gan.data.dataset import DataSet, Split


def draw_labeled(labels: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Chooses labeled examples evenly over the classes.

    Args:
        labels: Classes, int `[n]`, -1 where unknown.
        count: Number to choose. Where the classes do not divide it, some classes get one more.
        seed: Seed of the choice.

    Returns:
        Rows, int `[count]`, in random order.
    """
    count, labels = integer("count", count), np.asarray(labels)
    order = np.random.RandomState(integer("seed", seed) % 2**32).permutation(
        np.flatnonzero(labels >= 0)
    )
    classes = len(np.unique(labels[order]))
    if not max(classes, 1) <= count <= len(order):
        raise InputError(
            f"the number of labels to keep must be from {classes} (one of each class) to "
            f"{len(order)} (all known ones). Received: {count}"
        )
    rank = np.empty(len(order), np.int64)  # of each among those of its class
    for label in np.unique(labels[order]):
        places = labels[order] == label
        rank[places] = np.arange(places.sum())
    return order[np.argsort(rank, kind="stable")[:count]]


def keep_labels(data_set: DataSet, count: int, *, share: float, seed: int = 0) -> DataSet:
    """The data set in which only a few training examples have labels, and these are repeated.

    The training split becomes all its examples without labels, followed by the labeled ones with
    their labels, repeated until they are `share` of all rows, so that every minibatch has some.

    Args:
        data_set: A data set with labels.
        count: Number of labeled examples, evenly over the classes; 0 keeps all labels.
        share: Labeled rows among all rows, in (0, 1); each labeled example appears at least once.
        seed: Seed of the choice.
    """
    train = data_set.train
    if train.y is None:
        raise InputError(f"{data_set.name} has no labels to keep")
    if not 0 < share < 1:
        raise InputError(f"the share of labeled rows must be in (0, 1). Received: {share}")
    chosen = draw_labeled(train.y, count or int((train.y >= 0).sum()), seed)
    rows = np.resize(chosen, max(len(chosen), round(share / (1 - share) * len(train))))
    labels = np.concatenate([np.full(len(train), -1), train.y[rows]])
    return dataclasses.replace(
        data_set,
        train=Split(np.concatenate([train.x, train.x[rows]]), labels),
        provenance=f"{data_set.provenance}; labels of {len(chosen):,} training examples, "
        f"evenly over the classes, by seed {seed}",
    )
