"""Runs a SavedModel's signatures as TensorFlow Serving does: in a v1 session.

    python replay.py DIRECTORY < requests > results

Runs in a fresh process in which neither Keras nor this project can be imported.
Requests are pickled (signature, inputs) pairs; results are pickled lists of named outputs.
"""

from __future__ import annotations

import pickle
import sys

import tensorflow as tf


def replay(directory: str, requests: list[tuple[str, dict]]) -> list[dict]:
    """The outputs of each request."""
    results = []
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], directory)
        for name, inputs in requests:
            signature = loaded.signature_def[name]
            feed = {signature.inputs[alias].name: value for alias, value in inputs.items()}
            fetch = {alias: info.name for alias, info in signature.outputs.items()}
            results.append(session.run(fetch, feed))
    return results


if __name__ == "__main__":
    for package in ("keras", "keras_gan", "export"):
        sys.modules[package] = None  # type: ignore[assignment]  # importing it fails
    results = replay(sys.argv[1], pickle.load(sys.stdin.buffer))
    pickle.dump(results, sys.stdout.buffer)
