"""Collapses raise their warnings, real data raises none; each measurement against a loop."""

import itertools
import random as python_random
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage, stats
from scipy.spatial import distance
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from keras_gan.core.errors import InputError
from keras_gan.evaluation import arrays
from keras_gan.evaluation.collapse.components import Components
from keras_gan.evaluation.collapse.coverage import class_coverage, modes_found, region_coverage
from keras_gan.evaluation.collapse.detector import CollapseDetector
from keras_gan.evaluation.collapse.duplicates import diversity, identical
from keras_gan.evaluation.collapse.memorization import memorization, score_gap, spectra
from keras_gan.evaluation.collapse.support import Detail, Gaps, detail, gaps, support
from keras_gan.evaluation.collapse.thresholds import Thresholds, diagnose
from keras_gan.evaluation.distances import precision_recall
from keras_gan.evaluation.features import classifier
from keras_gan.evaluation.features.classifier import Classifier
from keras_gan.evaluation.gaussians import GaussianMixture

ROOT = Path(__file__).parents[1]


class Data:
    """A labelled data set in three parts: for G, held out, and to stand for samples."""

    def __init__(self, train, held_out, real, epochs=None):
        (self.train, self.labels), (self.held_out, _), (self.real, self.real_labels) = (
            train,
            held_out,
            real,
        )
        self.classifier = Classifier.fit(self.train, self.labels, epochs=epochs)
        self.detector = CollapseDetector(
            self.train, held_out=self.held_out, classifier=self.classifier, seed=1
        )
        self.blind = CollapseDetector(self.train, held_out=self.held_out, seed=1)


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images = (images[order] / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    labels = labels[order]
    parts = [slice(0, 1000), slice(1000, 1200), slice(1200, None)]
    return Data(*[(images[part], labels[part]) for part in parts])


@pytest.fixture(scope="module")
def mnist(needs_mnist):
    import tensorflow_datasets as tfds

    splits = ["train[:20000]", "train[50000:52000]", "test"]
    return Data(
        *[
            ((part["image"] / np.float32(255)).astype(np.float32), part["label"])
            for part in tfds.as_numpy(
                tfds.load("mnist", split=splits, data_dir=needs_mnist, batch_size=-1)
            )
        ],
        epochs=2,
    )


def names(results, **thresholds):
    return [warning.name for warning in diagnose(*results, thresholds=Thresholds(**thresholds))]


def noisy(images, random, amount):
    noise = amount * random.standard_normal(images.shape)
    return np.clip(images + noise, 0, 1).astype(np.float32)


def repeated(real, random, share, amount):
    samples = real.copy()
    count = int(share * len(real))
    samples[:count] = noisy(np.repeat(real[:1], count, axis=0), random, amount)
    return random.permutation(samples)


def of_classes(data, n, random, classes):
    return random.permutation(data.real[np.isin(data.real_labels, classes)])[:n]


def prototypes(data, n, random, count, amount):
    chosen = random.permutation(data.real)[:count]
    return noisy(chosen[random.integers(count, size=n)], random, amount)


def segment(data, n, random):
    some = data.real[:200]
    distances = distance.squareform(distance.pdist(some.reshape(200, -1)))
    one, other = np.unravel_index(distances.argmax(), distances.shape)
    way = random.uniform(size=(n, 1, 1, 1)).astype(np.float32)
    return way * some[one] + (1 - way) * some[other]


COLLAPSES = {
    "a constant": (lambda d, n, r: np.repeat(d.real[:1], n, axis=0), "constant-output"),
    "black images": (lambda d, n, r: np.zeros((n, *d.real.shape[1:])), "constant-output"),
    "a constant with noise": (
        lambda d, n, r: noisy(np.repeat(d.real[:1], n, axis=0), r, 0.03),
        "constant-output",
    ),
    "the mean with noise": (
        lambda d, n, r: noisy(np.repeat(d.train.mean(0)[None], n, axis=0), r, 0.03),
        "constant-output",
    ),
    "faded data": (
        lambda d, n, r: 0.4 * d.real[:n] + 0.6 * d.train.mean(axis=0),
        "little-variety",
    ),
    "a fifth identical": (lambda d, n, r: repeated(d.real[:n], r, 0.2, 0), "identical-samples"),
    "one in thirty identical": (
        lambda d, n, r: repeated(d.real[:n], r, 0.034, 0),
        "identical-samples",
    ),
    "a fifth nearly identical": (
        lambda d, n, r: repeated(d.real[:n], r, 0.2, 0.03),
        "near-identical-samples",
    ),
    "a fifth nearly identical, noisier": (
        lambda d, n, r: repeated(d.real[:n], r, 0.2, 0.1),
        "near-identical-samples",
    ),
    "a tenth nearly identical": (
        lambda d, n, r: repeated(d.real[:n], r, 0.1, 0.03),
        "near-identical-samples",
    ),
    "two images": (lambda d, n, r: prototypes(d, n, r, 2, 0.0), "near-identical-samples"),
    "ten noisy images": (lambda d, n, r: prototypes(d, n, r, 10, 0.1), "near-identical-samples"),
    "fifty noisy images": (lambda d, n, r: prototypes(d, n, r, 50, 0.05), "near-identical-samples"),
    "a segment between two images": (segment, "near-identical-samples"),
    "one class": (lambda d, n, r: of_classes(d, n, r, [3]), "one-class-only"),
    "two classes": (lambda d, n, r: of_classes(d, n, r, [0, 1]), "classes-missing"),
    "five classes": (lambda d, n, r: of_classes(d, n, r, [0, 2, 4, 6, 8]), "classes-missing"),
    "nine classes": (lambda d, n, r: of_classes(d, n, r, range(9)), "classes-missing"),
    "copies of training examples": (
        lambda d, n, r: r.permutation(d.train)[:n],
        "training-set-memorized",
    ),
    "a third copies with noise": (
        lambda d, n, r: np.concatenate([noisy(d.train[: n // 3], r, 0.05), d.real[n // 3 : n]]),
        "training-set-memorized",
    ),
    "noise": (lambda d, n, r: r.uniform(size=(n, *d.real.shape[1:])), "unlike-data"),
}
# Without classes these are noticed by regions, and nine classes of ten not at all.
BLIND = {
    "one class": {"regions-missing", "uneven-regions", "one-region-only"},
    "two classes": {"regions-missing", "uneven-regions"},
    "five classes": {"regions-missing", "uneven-regions"},
}


def check_collapse(data, n, collapse):
    make, warning = COLLAPSES[collapse]
    samples = make(data, n, np.random.default_rng(5)).astype(np.float32)
    assert warning in names(data.detector.examine(samples))
    if collapse != "nine classes":
        assert BLIND.get(collapse, {warning}) & set(names(data.blind.examine(samples)))


@pytest.mark.parametrize("collapse", COLLAPSES)
def test_each_collapse_raises_its_warning(digits, collapse):
    check_collapse(digits, 500, collapse)


@pytest.mark.parametrize("n", [150, 300, 597])
def test_real_digits_raise_no_warning(digits, n):
    for seed in range(2):
        samples = np.random.default_rng(seed).permutation(digits.real)[:n]
        assert names(digits.detector.examine(samples)) == []
        assert names(digits.blind.examine(samples)) == []


@pytest.mark.parametrize("n", [500, 10_000])
def test_real_mnist_raises_no_warning(mnist, n):
    samples = np.random.default_rng(n).permutation(mnist.real)[:n]
    assert names(mnist.detector.examine(samples)) == []
    assert names(mnist.blind.examine(samples)) == []


@pytest.mark.parametrize(
    "collapse",
    ["a constant", "one class", "a fifth identical", "a tenth nearly identical"],
)
def test_each_collapse_of_mnist_raises_its_warning(mnist, collapse):
    check_collapse(mnist, 1000, collapse)


def shifted(images, pixels=1):
    return np.roll(images, pixels, axis=2)


def blurred(images, sd):
    return ndimage.gaussian_filter(images, (0, sd, sd, 0))


def mixed(data, n, random, within_class=False):
    """The mean of two training images."""
    first = random.permutation(len(data.train))[:n]
    second = random.permutation(len(data.train))[:n]
    if within_class:
        same = [np.flatnonzero(data.labels == data.labels[i]) for i in first]
        second = np.array([random.choice(places) for places in same])
    return (data.train[first] + data.train[second]) / 2


def half_of_each_class(data, n, random):
    """Those on one side of their class's median along its first principal component."""
    keep = []
    for label in np.unique(data.real_labels):
        places = np.flatnonzero(data.real_labels == label)
        rows = data.real[places].reshape(len(places), -1)
        position = PCA(1, svd_solver="full").fit_transform(rows)[:, 0]
        keep.append(data.real[places[position < np.median(position)]])
    return random.permutation(np.concatenate(keep))[:n]


def training(data, n, random):
    return random.permutation(data.train)[:n]


# The rows of the table in docs/evaluation.md.
SAMPLES = {
    "test images": lambda d, n, r: d.real[:n],
    "training images": training,
    "training images shifted by a pixel": lambda d, n, r: shifted(training(d, n, r)),
    "training images mirrored": lambda d, n, r: training(d, n, r)[:, :, ::-1],
    "training images 0.7 times as bright": lambda d, n, r: 0.7 * training(d, n, r),
    "test images shifted by a pixel": lambda d, n, r: shifted(d.real[:n]),
    "test images mirrored": lambda d, n, r: d.real[:n, :, ::-1],
    "test images 0.7 times as bright": lambda d, n, r: 0.7 * d.real[:n],
    "test images blurred, sd 0.7 pixels": lambda d, n, r: blurred(d.real[:n], 0.7),
    "test images blurred, sd 1 pixel": lambda d, n, r: blurred(d.real[:n], 1.0),
    "test images with noise, sd 0.1": lambda d, n, r: noisy(d.real[:n], r, 0.1),
    "test images with noise, sd 0.2": lambda d, n, r: noisy(d.real[:n], r, 0.2),
    "means of two training images": mixed,
    "means of two training images of one class": lambda d, n, r: mixed(d, n, r, True),
    "half of each class missing": half_of_each_class,
    "a random half of the test images, twice": lambda d, n, r: np.tile(
        d.real[: n // 2], (2, 1, 1, 1)
    ),
    "no image of class 1": lambda d, n, r: of_classes(d, n, r, [0, *range(2, 10)]),
    "no image of class 4": lambda d, n, r: of_classes(d, n, r, [0, 1, 2, 3, *range(5, 10)]),
    "no image of class 9": lambda d, n, r: of_classes(d, n, r, range(9)),
}


def documented():
    """From a row's name to the warnings of digits and of MNIST, in docs/evaluation.md."""
    lines = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("| samples | digits | MNIST |") + 2
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    return {name: [set(cell.split(", ")) for cell in cells] for name, *cells in rows}


def check_documented(data, n, samples, wanted):
    made = SAMPLES[samples](data, n, np.random.default_rng(5)).astype(np.float32)
    without_labels = wanted - {"classes-missing"}
    if wanted == {"none"}:
        assert names(data.detector.examine(made)) == []
        assert names(data.blind.examine(made)) == []
    else:
        assert wanted <= set(names(data.detector.examine(made)))
        assert without_labels <= set(names(data.blind.examine(made)))


def test_the_documented_table_is_complete():
    assert list(documented()) == list(SAMPLES)


@pytest.mark.parametrize("samples", SAMPLES)
def test_digits_raise_the_documented_warnings(digits, samples):
    check_documented(digits, 500, samples, documented()[samples][0])


@pytest.mark.parametrize("samples", SAMPLES)
def test_mnist_raises_the_documented_warnings(mnist, samples):
    check_documented(mnist, 1000, samples, documented()[samples][1])


def test_messages_are_plain_words(digits):
    samples = np.repeat(digits.real[:1], 200, axis=0)
    messages = [str(warning) for warning in diagnose(*digits.detector.examine(samples))]
    assert messages[0] == (
        "identical-samples: 100.0% of 200 samples repeat another exactly (real data: 0.0%)"
    )
    assert messages[1].startswith("constant-output: G makes one and the same output")


# ------------------------------------------------------------------------------------ Gaussians

RING, GRID = GaussianMixture.ring(8, 2.0, 0.05), GaussianMixture.grid(5, 1.0, 0.05)


def on(mixture, modes, n=1000, scale=1.0, weights=None):
    part = GaussianMixture(mixture.means[modes], mixture.sd[0] * scale, weights)
    return part.sample(n, seed=4)


@pytest.mark.parametrize("mixture", [RING, GRID])
@pytest.mark.parametrize("n", [500, 10_000])
def test_real_gaussians_raise_no_warning(mixture, n):
    samples = mixture.sample(n, seed=1)
    known = CollapseDetector(
        mixture.sample(10_000), mixture=mixture, held_out=mixture.sample(2000, 3)
    )
    unknown = CollapseDetector(mixture.sample(10_000))
    assert names(known.examine(samples)) == names(unknown.examine(samples)) == []
    found = modes_found(samples, mixture)
    assert found.found == mixture.modes
    assert_allclose(found.on_modes, 1 - np.exp(-4.5), atol=4 * np.sqrt(0.011 / n))
    assert_allclose(found.spread, 1, atol=3 / np.sqrt(n))


@pytest.mark.parametrize(
    ("samples", "warning"),
    [
        (on(RING, [0, 1, 5]), "modes-missing"),
        (on(RING, [0]), "modes-missing"),
        (on(RING, [0, 1, 2, 3, 4, 5, 6]), "modes-missing"),
        (on(RING, range(8), scale=0.1), "shrunk-modes"),
        (on(RING, range(8), scale=3), "off-modes"),
        (on(RING, range(8), weights=[0.65, *[0.05] * 7]), "uneven-modes"),
        (np.zeros((1000, 2)), "off-modes"),
        (RING.means[np.arange(1000) % 8], "shrunk-modes"),
    ],
)
def test_collapses_of_the_ring_raise_their_warnings(samples, warning):
    assert warning in names([modes_found(samples, RING)])


@pytest.mark.parametrize("modes", [[0, 1, 5], [2], [0, 4]])
def test_missing_modes_are_noticed_without_knowing_them(modes):
    found = names(CollapseDetector(RING.sample(5000)).examine(on(RING, modes)))
    assert {"regions-missing", "one-region-only"} & set(found)


def test_modes_found_by_counting():
    samples = np.concatenate(
        [RING.means[[0] * 30], RING.means[[1] * 1], RING.means[[2] * 2], np.zeros((67, 2))]
    )
    found = modes_found(samples, RING)
    # A tenth of its share is 1.25 of 100 samples.
    assert found.found == 2
    assert_allclose(found.shares, [0.3, 0.01, 0.02, 0, 0, 0, 0, 0])
    assert (found.on_modes, found.spread, found.n) == (pytest.approx(0.33), 0, 100)
    # Modes of which fewer than 10 samples were to be expected are not judged missing.
    few = modes_found(RING.sample(40), RING)
    assert "modes-missing" not in names([few])


@pytest.mark.parametrize("dimension", [1, 2, 3, 20])
def test_modes_of_any_dimension_are_found(dimension):
    means = np.full((5, dimension), 40.0) * np.arange(5)[:, None]
    mixture = GaussianMixture(means, 1.0)
    found = modes_found(mixture.sample(5000, 1), mixture)
    assert found.on_modes == pytest.approx(0.997 if dimension == 1 else 0.989, abs=0.005)
    assert found.spread == pytest.approx(1, abs=0.02)
    assert names([found]) == []


@pytest.mark.parametrize("n", [10, 30, 100])
def test_few_perfect_samples_are_not_uneven(n):
    random = np.random.default_rng(n)
    detector = CollapseDetector(random.normal(size=(2000, 8)))
    for _ in range(5):
        assert names(detector.examine(random.normal(size=(n, 8)))) == []


def test_many_classes_are_not_uneven_by_chance():
    draw = np.random.default_rng(0).integers
    found = region_coverage(draw(500, size=1000), draw(500, size=20_000), 500)
    assert found.divergence > Thresholds().uneven
    assert names([found]) == []
    few = region_coverage(draw(150, size=1000), np.r_[draw(150, size=999), 0], 300)
    assert names([few]) == []
    rare = region_coverage(np.r_[draw(9, size=999), 9], draw(9, size=5000), 10)
    assert rare.divergence == np.inf
    assert names([rare]) == []
    assert names([region_coverage(np.full(99, 9), draw(9, size=500), 10)]) == ["one-region-only"]


def test_data_of_few_different_examples_raise_no_warning():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    train, held_out, samples = np.split(corners[np.random.default_rng(0).integers(4, size=900)], 3)
    detector = CollapseDetector(train, held_out=held_out)
    assert names(detector.examine(samples)) == []
    raised = names(detector.examine(samples + np.float32(1e-4)))
    assert not {"unlike-data", "training-set-memorized"} & set(raised)
    assert "unlike-data" in names(detector.examine(samples + 3))


@pytest.mark.parametrize("noise", [0, 1e-3])
def test_held_out_examples_that_repeat_training_ones_hide_no_copies(noise):
    draw = np.random.default_rng(0).standard_normal
    train, new = draw((1000, 6)), draw((500, 6))
    held_out = np.concatenate([train[:20], draw((480, 6))])
    found = memorization(train[500:] + noise, train, held_out)
    assert "training-set-memorized" in names([found])
    assert names([memorization(new, train, held_out)]) == []


@pytest.mark.parametrize("held", [1, 6, 20])
def test_few_held_out_examples_call_no_new_sample_a_copy(held):
    raised = []
    for seed in range(20):
        draw = np.random.default_rng(seed).standard_normal
        train = draw((400, 16))
        raised += names([memorization(draw((500, 16)), train, draw((held, 16)))])
        copies = memorization(train[:300], train, draw((held, 16)))
        assert "training-set-memorized" in names([copies])
    assert "training-set-memorized" not in raised


def test_points_have_no_detail_outside_of_all_their_components():
    draw = np.random.default_rng(0).normal
    train = draw(size=(500, 3)).astype(np.float32)
    results = CollapseDetector(train, held_out=draw(size=(200, 3))).examine(draw(size=(200, 3)))
    assert not any(isinstance(result, Detail) for result in results)


@pytest.mark.parametrize("offset", [300.0, 10_000.0])
def test_components_far_from_zero_are_those_near_it(offset):
    random = np.random.default_rng(0)
    rows = random.normal(size=(1000, 5)) @ random.normal(size=(5, 60))
    near, far = (np.float32(rows + place) for place in (0, offset))
    projected, expected = (Components(x).project(x) for x in (far, near))
    assert_allclose(projected.var(axis=0).sum(), expected.var(axis=0).sum(), rtol=1e-4)
    assert np.median(Components(far).outside(far)) < 1e-6 * rows.var(axis=0).sum()


# --------------------------------------------------------------------------- each measurement


def test_identical_counts_every_member_of_a_group():
    samples = np.array([[1.0, 2], [1, 2], [3, 4], [0.0, 1], [-0.0, 1], [5, 6], [5, 6.0000001]])
    found = identical(samples, np.zeros((7, 2)))
    assert_allclose((found.samples, found.real), (4 / 7, 1))
    assert names([found]) == []  # data that repeats itself excuses samples that do


def test_diversity_against_loops():
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(200, 5)), 0.7 * random.normal(size=(200, 5))
    fake[:30] = fake[0] + 1e-3 * random.normal(size=(30, 5))
    found = diversity(fake, real + 100, quantile=0.05)
    own = distance.squareform(distance.pdist(real))
    np.fill_diagonal(own, np.inf)
    radius = np.quantile(own.min(axis=1), 0.05)
    assert_allclose(found.radius, radius, rtol=1e-9)
    for rows, coincidence, clump in (
        (fake, found.coincidence, found.clump),
        (real, found.real_coincidence, found.real_clump),
    ):
        near = distance.squareform(distance.pdist(rows)) <= radius
        assert_allclose(coincidence, (near.sum() - 200) / (200 * 199), rtol=1e-12)
        assert_allclose(clump, near.sum(axis=1).max() / 200, rtol=1e-12)
    assert_allclose(found.spread, fake.var(axis=0).sum() / real.var(axis=0).sum(), rtol=1e-9)
    assert_allclose(found.distinct, 1 / found.coincidence)


def test_distinct_counts_what_a_generator_makes():
    """k equally likely points give coincidences at rate 1/k."""
    random = np.random.default_rng(1)
    points = random.normal(size=(40, 3))
    found = diversity(points[random.integers(40, size=2000)], random.normal(size=(2000, 3)))
    assert_allclose(found.distinct, 40, rtol=0.05)
    far_apart = diversity(1e3 * random.normal(size=(200, 3)), random.normal(size=(200, 3)))
    assert far_apart.distinct == np.inf


def test_class_coverage_by_hand():
    fake = np.eye(3)[[0, 0, 0, 1]] * 0.8 + 0.1
    real = np.eye(3)[[0, 1, 1, 2]] * 0.4 + 0.2
    found = class_coverage(fake / fake.sum(1, keepdims=True), real / real.sum(1, keepdims=True))
    assert found.shares == (0.75, 0.25, 0)
    assert found.real_shares == (0.25, 0.5, 0.25)
    assert_allclose(found.divergence, 0.75 * np.log(3) + 0.25 * np.log(0.5))
    assert_allclose((found.confidence, found.real_confidence), (0.9 / 1.1, 0.6), rtol=1e-6)
    assert found.missing(0.1, least=1) == (2,)
    assert found.missing(0.1, least=10) == ()  # one sample was to be expected: not judged


def test_a_share_of_two_thirds_for_one_class_is_uneven():
    fake = np.arange(1000) % 10
    fake[:600] = 4
    found = region_coverage(fake, np.arange(5000) % 10, 10)
    assert names([found]) == ["uneven-regions"]
    assert names([found], uneven=2.0) == []


def test_score_gap_against_counting():
    random = np.random.default_rng(0)
    train, held_out = random.normal(0.7, 1, 300), random.normal(0, 1, (200, 1))
    found = score_gap(train, held_out)
    wins = (train[:, None] > held_out[:, 0]).mean()
    assert_allclose(found.auc, wins, rtol=1e-6)
    assert_allclose(
        found.p_value, stats.mannwhitneyu(train, held_out[:, 0], alternative="greater").pvalue
    )
    assert_allclose((found.train, found.held_out), (train.mean(), held_out.mean()), rtol=1e-6)
    assert names([found]) == ["discriminator-overfits"]
    assert names([score_gap(train, train)]) == []
    assert names([score_gap(train[:5], held_out[:5] - 0.3)]) == []  # too few to tell
    assert_allclose(score_gap([1.0, 1.0], [1.0]).auc, 0.5)  # ties


def test_memorization_against_loops():
    random = np.random.default_rng(0)
    train, held_out, fake = (random.normal(size=(n, 4)) for n in (300, 100, 80))
    fake[:20] = train[:20] + 1e-3
    found = memorization(fake, train, held_out, quantile=0.05)
    own = distance.cdist(train, train)
    np.fill_diagonal(own, np.inf)

    def measure(rows):
        to_train = distance.cdist(rows, train)
        nearest = to_train.argmin(axis=1)
        return to_train.min(axis=1), to_train.min(axis=1) / own.min(axis=1)[nearest]

    (near, relative), (real_near, real_relative) = measure(fake), measure(held_out)
    assert_allclose(found.ratio, np.median(near) / np.median(real_near), rtol=1e-6)
    assert_allclose(found.copies, np.mean(relative <= np.quantile(real_relative, 0.05)))
    assert_allclose(found.auc, np.mean(real_relative[:, None] > relative), rtol=1e-6)
    assert found.n == (80, 300, 100)
    assert memorization(train, train, held_out).copies == 1
    assert memorization(fake, np.repeat(train, 2, axis=0), held_out, quantile=0.05) == found


def test_spectra_against_transformed_images():
    images = np.random.default_rng(0).uniform(size=(5, 7, 6, 3)).astype(np.float32)
    expected = spectra(images)
    assert_allclose(np.linalg.norm(expected, axis=1), 1, rtol=1e-6)
    for same in (
        np.roll(images, (2, -1), axis=(1, 2)),
        images[:, :, ::-1],
        images[:, ::-1],
        0.5 * images + 0.1,
    ):
        assert_allclose(spectra(same), expected, atol=1e-6)
    assert np.abs(expected[1:] - expected[:-1]).max() > 0.05
    assert_array_equal(spectra(np.ones((1, 4, 4, 1))), 0)


def test_images_of_one_color_have_no_spectrum():
    for value in (0.1, 0.3, 0.7):
        assert not spectra(np.full((1, 28, 28, 1), value, np.float32)).any()


def test_what_does_not_apply_to_equal_examples_is_left_out():
    samples = np.random.default_rng(0).random((100, 4, 4, 1), np.float32)
    same = np.full((60, 4, 4, 1), 0.3, np.float32)
    with pytest.warns(UserWarning, match="all training examples are the same"):
        detector = CollapseDetector(same, held_out=same)
    assert [type(result).__name__ for result in detector.examine(samples)] == ["Identical"]
    one_color = np.linspace(0, 1, 60, dtype=np.float32)[:, None, None, None] * np.ones_like(same)
    *_, found = CollapseDetector(one_color, held_out=one_color).examine(samples)
    assert (type(found).__name__, found.altered) == ("Memorization", None)


def test_support_by_hand():
    random = np.random.default_rng(0)
    real, train, fake = random.normal(size=(3, 120, 3))
    found = support(0.2 * fake, train, real, features="numbers")
    assert found.samples == precision_recall(real, 0.2 * fake)
    assert found.training == precision_recall(real, train)
    assert names([found]) == ["low-recall", "low-coverage"]
    assert "recall 0.0" in str(diagnose(found)[0])
    assert "on numbers" in str(diagnose(found)[0])
    assert names([found], of_training=0.0) == []
    assert names([support(fake + 9, train, real, features="numbers")])[-1] == "low-density"
    assert names([support(fake, train, real, features="numbers")]) == []


@pytest.mark.parametrize("n", [100, 154, 303])
def test_five_held_out_examples_are_a_gap_whatever_their_number(n):
    """5 / 154 * 154 is below 5."""
    assert names([Gaps(5 / n, 0.0002, 20, n)]) == ["gaps"]
    assert names([Gaps(4 / n, 0.0002, 20, n)]) == []


def test_gaps_against_loops():
    random = np.random.default_rng(0)
    real, train, fake = random.normal(size=(3, 300, 3))
    fake = fake[fake[:, 0] < 0.5]
    found = gaps(fake, train, real)
    n = len(fake)
    near = distance.cdist(real[:n], np.concatenate([fake, train[:n]])).argsort(axis=1)[:, :20]
    assert_allclose(found.share, np.mean((near < n).sum(axis=1) <= 2))
    assert found.share > 0.05
    assert_allclose(found.expected, (1 + 20 + 190) / 2**20)
    assert (found.neighbors, found.n) == (20, n)
    assert names([found]) == ["gaps"]
    assert names([found], gap_examples=n) == []
    assert gaps(random.normal(size=(300, 3)), train, real).share < 0.005


def test_detail_is_a_ratio_of_medians():
    found = detail(np.array([1.0, 2, 9]), np.array([4.0, 4, 5, 100]))
    assert_allclose(found.ratio, 2 / 4.5)
    assert names([found]) == ["little-detail"]
    assert names([found], little_detail=0.4) == []
    assert detail(np.ones(3), np.zeros(4)) is None


def test_copies_of_repeated_training_images_are_copies(digits):
    random = np.random.default_rng(0)
    train = random.permutation(np.concatenate([digits.train, digits.train[:100]]))
    detector = CollapseDetector(train, held_out=digits.held_out)
    copies = noisy(np.repeat(digits.train[:100], 4, axis=0), random, 0.01)
    assert "training-set-memorized" in names(detector.examine(copies))
    assert names(detector.examine(digits.real[:400])) == []


def test_training_examples_that_all_come_twice(monkeypatch):
    """The second half, a block of its own, has no example that is new."""
    monkeypatch.setattr(arrays, "_BLOCK", 100)
    once, twice = (
        CollapseDetector(np.tile(X[:100], (times, 1)), held_out=X[100:]).examine(X[:30])[-1]
        for times in (1, 2)
    )
    assert once.n == twice.n == (30, 100, 100)
    for found in (once, twice):
        assert (found.ratio, found.copies) == (pytest.approx(0, abs=1e-6), pytest.approx(1))


def test_pictures_of_a_mapped_file_are_read_in_blocks(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    stored = random.integers(0, 256, (240, 8, 8, 1)).astype(np.uint8)
    stored[100] = stored[7]  # the same in another block
    np.save(tmp_path / "x.npy", stored)
    mapped, real = np.load(tmp_path / "x.npy", mmap_mode="r"), stored / np.float32(255)
    labels = np.arange(240) % 3 - 1  # a third unknown
    samples, blocks = random.uniform(size=(150, 8, 8, 1)).astype(np.float32), []

    def prepare(x):
        blocks.append(len(x))
        return np.asarray(x) / np.float32(255)

    monkeypatch.setattr(arrays, "_BLOCK", 90)
    monkeypatch.setattr(classifier, "_BLOCK", 90)
    known = labels >= 0
    whole = Classifier.fit(real[known], labels[known], epochs=1)
    parts = Classifier.fit(mapped, labels, epochs=1, prepare=prepare)
    assert max(blocks) == 128  # a minibatch
    assert_allclose(whole.probabilities(samples), parts.probabilities(samples), atol=1e-5)
    one = CollapseDetector(real[:140], held_out=real[140:], classifier=whole)
    blocks.clear()
    other = CollapseDetector(mapped[:140], held_out=mapped[140:], classifier=whole, prepare=prepare)
    assert blocks == [140, 100, 90, 50]  # what components are fitted to, held-out ones, blocks
    for a, b in zip(one.examine(samples), other.examine(samples), strict=True):
        assert str(a) == str(b) or a == pytest.approx(b)


# --------------------------------------------------------------------------------- classifier


def test_classifier_knows_the_digits(digits):
    assert digits.classifier.accuracy(digits.real, digits.real_labels) > 0.95
    probabilities = digits.classifier.probabilities(digits.real)
    assert probabilities.shape == (597, 10)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert digits.classifier.features(digits.real[:7]).shape == (7, 64)


def test_classifier_of_mnist(mnist):
    assert mnist.classifier.accuracy(mnist.real, mnist.real_labels) > 0.94


def test_classifier_depends_on_its_seed_alone_and_leaves_every_global_state():
    random = np.random.default_rng(0)
    x = random.uniform(size=(200, 5, 4, 3)).astype(np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 0.5).astype(int)

    def states():
        return (
            np.random.get_state()[1].tolist(),
            python_random.getstate(),
            tf.random.get_global_generator().state.numpy().tolist(),
        )

    def draws():
        return float(keras.random.uniform(())), keras.layers.Dense(2).name

    keras.utils.set_random_seed(7)
    keras.layers.Dense(2)
    undisturbed = draws()
    keras.utils.set_random_seed(7)
    keras.layers.Dense(2)
    before = states()
    first = Classifier.fit(x, y, epochs=3, seed=5)
    assert states() == before
    assert draws()[0] == undisturbed[0]

    keras.utils.set_random_seed(8)
    again, other = Classifier.fit(x, y, epochs=3, seed=5), Classifier.fit(x, y, epochs=3, seed=6)
    assert_array_equal(first.probabilities(x), again.probabilities(x))
    assert np.abs(first.probabilities(x) - other.probabilities(x)).max() > 1e-3


def test_bytes_are_classified_as_floats_in_the_unit_interval():
    x = np.random.default_rng(0).integers(0, 256, (64, 3), np.uint8)
    y = np.arange(64) % 2
    of_bytes, of_floats = (Classifier.fit(of, y, epochs=1) for of in (x, np.float32(x) / 255))
    assert of_bytes.weights == of_floats.weights
    np.testing.assert_array_equal(of_bytes.features(x), of_bytes.features(np.float32(x) / 255))


def test_numbers_of_another_kind_than_classes_make_no_classifier(monkeypatch):
    monkeypatch.setattr(Classifier, "fit", lambda *_, **__: "made")
    assert Classifier.of_labeled(X, np.arange(200) % 3 - 1) == "made"
    for labels in (None, np.zeros(200, int), np.arange(200) % 2 - 1, 10**9 + np.arange(200)):
        assert Classifier.of_labeled(X, labels) is None


def test_classifier_of_points():
    x = RING.sample(2000)
    y, _ = RING.nearest_mode(x)
    assert Classifier.fit(x, y, epochs=20).accuracy(x, y) > 0.99


# ------------------------------------------------------------------------------------ bad input

X = np.random.default_rng(0).uniform(size=(200, 3))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: identical(X[:, 0], X), "[n, ...]"),
        (lambda: identical(X, X[:, :2]), "3 numbers"),
        (lambda: diversity(X[:1], X), "at least 2 examples"),
        (lambda: diversity(X * [np.nan, 1, 1], X), "first in example 0"),
        (lambda: diversity(X, np.ones((5, 3))), "one and the same"),
        (lambda: memorization(X, X, X[:0]), "`held_out`"),
        (lambda: memorization(X, np.ones((5, 3)), X), "one and the same"),
        (lambda: score_gap([], [1.0]), "`train_scores`"),
        (lambda: region_coverage([0, 3], [1], 3), "[0, 3)"),
        (lambda: class_coverage(X, X[:, :2]), "3 numbers"),
        (lambda: CollapseDetector(X[:10]), "at least 50"),
        (lambda: CollapseDetector(X).examine(X[:, :2]), "3 numbers"),
        (lambda: RING.log_density(X), "[n, 2]. Received: [200, 3]"),
        (lambda: Classifier.fit(X, np.zeros(200, int)), "two classes"),
        (lambda: Classifier.fit(X, np.arange(3)), "as many"),
        (lambda: Classifier.fit(X, X[:, 0]), "ints"),
        (lambda: Classifier.fit(X * np.inf, np.arange(200) % 2), "finite"),
        (lambda: Classifier.fit(X, np.arange(200) % 2, epochs=1).features(X[:, :2]), "(3,)"),
        (
            lambda: Classifier.fit(X, np.arange(200) % 2, epochs=1).accuracy(X, np.full(200, -1)),
            "a known class",
        ),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=re.escape(words)):
        call()


def test_diagnose_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="received 3"):
        diagnose(3)
