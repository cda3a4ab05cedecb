"""What a high likelihood means: real and generated images, smoothed, as if they were samples."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.progress import track
from scipy import ndimage
from sklearn.decomposition import PCA

from keras_gan import GAN, data, plotting
from keras_gan.data import preprocessing
from keras_gan.evaluation import distances
from keras_gan.evaluation.distances import OVERLAPS
from keras_gan.evaluation.features import Classifier
from keras_gan.evaluation.likelihood import ParzenSettings, log_likelihood, reliability
from reproduce import results
from reproduce.curves import likelihood_against_recall

NAME = "smoothing"
BLURS = (0.4, 0.5, 0.7, 1.0)  # standard deviations in pixels
COMPONENTS = (100, 50)
PRESETS = {"mnist": "the paper's recipe", "mnist_tuned": "our settings"}


def measure(seed: int) -> None:
    """Likelihood and recall of training images and of samples, as they are and smoothed."""
    began, machine = time.monotonic(), results.machine()
    mnist = data.load("mnist")
    scale = preprocessing.fit("unit_range", mnist.train.x)
    train, validation, test = (
        scale.unit(split.x) for split in (mnist.train, mnist.validation, mnist.test)
    )
    network = Classifier.fit(train, mnist.train.y, seed=seed)
    of_test = network.features(test)
    lines: dict[str, list[dict[str, Any]]] = {}
    for line, name, samples in track(list(_sets(train, seed)), "Measuring"):
        protocol = ParzenSettings(samples=len(samples))
        nats = log_likelihood(samples, validation, test, protocol=protocol, seed=seed)
        overlap = distances.precision_recall(of_test, network.features(samples), seed=seed)
        lines.setdefault(line, []).append(
            {"samples": name, **results.nats(dataclasses.asdict(nats))}
            | {column: getattr(overlap, column) for column in OVERLAPS}
        )
    file = results.PICTURES / f"{NAME}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    generators = [
        row
        for result in results.load()
        if result["result"].startswith("mnist_")
        for row in result["rows"]
        if row.get("recall", "") != ""
    ]
    plotting.save_image(likelihood_against_recall(lines, generators), file)
    results.save(
        NAME,
        title="MNIST: likelihood and recall of smoothed images",
        command=f"python -m reproduce {NAME} --seed {seed}",
        rows=[row for rows in lines.values() for row in rows],
        seeds=[seed],
        protocol=results.protocol(dataclasses.asdict(nats)),
        data=mnist.provenance,
        machine=machine,
        seconds=results.seconds_since(began),
        pictures=[results.link(file)],
    )


def _sets(train: np.ndarray, seed: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """Lines of the picture, names and images `[n, 28, 28, 1]` of what is measured."""
    n = ParzenSettings().samples
    chosen = train[np.random.default_rng(seed).choice(len(train), n, replace=False)]
    sources = {"training images": chosen}
    for preset, name in PRESETS.items():
        sources[f"samples, {name}"] = GAN.from_preset(preset).generate(n, seed)
    for name, images in sources.items():
        yield f"{name}, blurred", name, images
        for sd in BLURS:
            blurred = ndimage.gaussian_filter(images, (0, sd, sd, 0))
            yield f"{name}, blurred", f"{name}, blurred, sd {sd} pixels", blurred
    flat = train.reshape(len(train), -1)
    for components in COMPONENTS:
        fitted = PCA(components, random_state=seed).fit(flat)
        projected = fitted.inverse_transform(fitted.transform(chosen.reshape(n, -1)))
        name = f"training images, {components} principal components"
        yield "training images, projected", name, projected.reshape(chosen.shape)
    centroids = reliability.kmeans_centroids(flat, len(train) // 5, seed=seed)
    name = "k-means centroids"
    yield name, name, centroids.reshape(-1, *train.shape[1:])
