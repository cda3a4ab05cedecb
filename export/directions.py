"""Principal directions of a generator: the latent directions along which its output changes most.

They are eigenvectors of `E[J(z)^T J(z)]`, `J` the Jacobian of `G(z)`, as in the active subspaces of
Constantine, Dow and Wang (2014); GANSpace (Härkönen et al. 2020) uses such directions for editing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from export.subject import Subject
from keras_gan import randomness

COUNT = 10
_ROWS, _BATCH = 512, 64


def principal(subject: Subject) -> dict[str, Any] | None:
    """The directions as JSON can hold them; None for a generator whose output does not change.

    For `u` standard normal, `J^T u` has the second moment `J^T J`: one gradient per row estimates
    it, without a Jacobian. Seeds are fixed: an export of the same model has the same directions.

    Returns:
        "vectors", at most `COUNT` orthonormal ones, the most important first, each with a positive
        largest component; and "share", the part of the change (the trace) along each.
    """
    seeds = np.stack([randomness.row_seeds(seed, _ROWS) for seed in range(4)])
    with tf.device("/CPU:0"):
        batches = np.split(seeds, _ROWS // _BATCH, axis=1)
        gradients = [_gradients(subject, *tf.constant(batch)) for batch in batches]
    rows = np.concatenate(gradients).astype(np.float64)
    change = np.square(rows).sum()
    if not 0 < change < np.inf:
        return None
    _, values, vectors = np.linalg.svd(rows, full_matrices=False)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return {
        "vectors": _rounded(vectors[:COUNT] * np.sign(largest[:COUNT])),
        "share": _rounded(np.square(values[:COUNT]) / change),
    }


def _gradients(subject: Subject, latents, noise, condition, weights) -> np.ndarray:
    """`J^T u` of rows with these seeds, `[n, d]`."""
    z = subject.draw(latents)
    given = subject.trial_condition(condition)
    u = randomness.normal(randomness.RowDraws(weights).bits(subject.shape))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(z)
        total = tf.reduce_sum(u * subject.generate(z, noise, given))
    return tape.gradient(total, z, unconnected_gradients="zero").numpy()


def _rounded(values: np.ndarray) -> list:
    """Six significant digits, as nested lists."""
    return np.vectorize(lambda value: float(f"{value:.6g}"))(values).tolist()
