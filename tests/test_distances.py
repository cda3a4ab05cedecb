"""Distances on features against SciPy, scikit-learn and plain loops."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.stats import entropy, linregress
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from keras_gan import InputError
from keras_gan.evaluation.distances import (
    compare,
    equal_numbers,
    frechet_distance,
    frechet_distance_at_infinity,
    inception_score,
    kid,
    precision_recall,
    standard_error,
)


def normal(count, dimension=6, shift=0.0, scale=1.0, seed=0):
    random = np.random.default_rng([seed, count])
    mixing = np.random.default_rng(9).normal(size=(dimension, dimension))
    return scale * random.normal(size=(count, dimension)) @ mixing + shift


def test_frechet_against_the_matrix_square_root():
    x, y = normal(300), normal(300, shift=0.5, scale=1.5, seed=1)
    first, second = np.cov(x.T), np.cov(y.T)
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2)
    expected += np.trace(first + second - 2 * sqrtm(first @ second).real)
    result = frechet_distance(x, y)
    assert result.distance == pytest.approx(expected, rel=1e-9)
    assert (result.n_real, result.n_generated, result.dimension) == (300, 300, 6)
    more = np.concatenate([y, y[:50] + 9])
    assert frechet_distance(x, more) == frechet_distance(x, y)  # equal numbers
    for seed in range(9):
        same = normal(60, seed=seed)
        assert frechet_distance(same, same[::-1]).distance >= 0


def test_frechet_of_gaussians_that_are_known():
    """Equal covariances: the distance of the means; means equal: that of the deviations."""
    x = normal(500)
    assert frechet_distance(x, x).distance == pytest.approx(0, abs=1e-10)
    assert frechet_distance(x, x + 2).distance == pytest.approx(6 * 4, rel=1e-9)
    expected = np.trace(np.cov(x.T)) * (3 - 1) ** 2
    assert frechet_distance(x - x.mean(0), 3 * (x - x.mean(0))).distance == pytest.approx(expected)


def test_frechet_with_fewer_examples_than_dimensions():
    x, y = normal(10, dimension=40), normal(10, dimension=40, shift=1, seed=1)
    first, second = np.cov(x.T), np.cov(y.T)
    root = np.linalg.eigvals(first @ second)
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(first + second)
    expected -= 2 * np.sqrt(np.maximum(root.real, 0)).sum()
    assert frechet_distance(x, y).distance == pytest.approx(expected, rel=1e-4)
    constant = np.ones([5, 40])
    assert frechet_distance(constant, constant + 1).distance == pytest.approx(40)


def test_frechet_at_infinity_against_a_line_through_the_distances():
    x, y = normal(400), normal(400, shift=0.2, seed=1)
    found = frechet_distance_at_infinity(x, y, seed=4)
    assert (found.sizes[0], found.sizes[-1], len(found.sizes)) == (40, 400, 15)
    random = np.random.default_rng(4)
    x = x[np.random.default_rng(4).permutation(400)]  # as equal numbers are taken
    distances = []
    for size in found.sizes:
        first, second = (rows[random.permutation(400)[:size]] for rows in (x, y))
        a, b = np.cov(first.T), np.cov(second.T)
        distance = np.sum((first.mean(0) - second.mean(0)) ** 2)
        distances.append(distance + np.trace(a + b - 2 * sqrtm(a @ b).real))
    line = linregress(1 / np.array(found.sizes), distances)
    assert found.distance == pytest.approx(line.intercept, rel=1e-8)


def test_frechet_at_infinity_has_no_bias():
    """N(0, I) and N(0.1, I) in 20 dimensions: the squared distance of the means is 0.2."""
    found = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        x, y = random.normal(size=(2, 1000, 20)) + np.array([0, 0.1])[:, None, None]
        found.append((frechet_distance_at_infinity(x, y).distance, frechet_distance(x, y).distance))
    at_infinity, as_measured = np.mean(found, axis=0)
    assert as_measured > 0.4
    assert at_infinity == pytest.approx(0.2, abs=0.05)


def test_the_score_of_a_classifier_against_entropies():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(5, 0.3), 207)
    found = inception_score(probabilities, splits=4)
    scores = []
    for part in np.split(probabilities[:204], 4):  # H(y) - H(y|x) is the mutual information
        information = entropy(part.mean(axis=0)) - entropy(part, axis=1).mean()
        scores.append(np.exp(information))
    assert found.score == pytest.approx(np.mean(scores), rel=1e-10)
    assert found.standard_deviation == pytest.approx(np.std(scores, ddof=1), rel=1e-8)
    assert (found.splits, found.n, found.classes) == (4, 204, 5)


def test_numbers_of_independent_programs():
    """torch-fidelity 0.4.0 and clean-fid 0.1.35 (FID, KID, IS) and prdc 0.2, on the same arrays."""
    random = np.random.default_rng(5)
    mixing = random.normal(size=(32, 32)) / 6
    x, y = (
        np.maximum(scale * random.normal(size=(1500, 32)) @ mixing + shift, 0).astype(np.float32)
        for scale, shift in ((1, 0.3), (1.1, 0.4))
    )
    probabilities = random.dirichlet(np.full(12, 0.2), 2000).astype(np.float32)
    assert frechet_distance(x, y).distance == pytest.approx(0.5929918, rel=1e-5)
    assert kid(x, y, subsets=2, subset_size=1500).distance == pytest.approx(0.0709233, rel=1e-4)
    assert inception_score(probabilities, splits=10).score == pytest.approx(3.0754544, rel=1e-6)
    found = precision_recall(x, y)
    assert found.precision == pytest.approx(0.6533333)
    assert found.recall == pytest.approx(0.922)
    assert found.density == pytest.approx(0.5621333)
    assert found.coverage == pytest.approx(0.8886667)


def test_the_ends_of_the_score():
    sure = np.eye(10)[np.arange(1000) % 10]
    assert inception_score(sure).score == pytest.approx(10)
    assert inception_score(np.eye(10)[np.zeros(1000, int)]).score == pytest.approx(1)
    assert inception_score(np.full((1000, 10), 0.1)).score == pytest.approx(1)


def test_the_standard_error_of_means_is_known():
    x, y = (np.random.default_rng(seed).normal(size=(400, 2)) * [1, 3] for seed in (0, 1))
    found = standard_error(lambda a, b: a.mean(0) - b.mean(0), x, y, halves=400)
    expected = np.sqrt((x.var(0, ddof=1) + y.var(0, ddof=1)) / 400)
    np.testing.assert_allclose(found, expected, rtol=0.1)


def test_the_standard_error_of_distances_is_their_spread_over_independent_sets():
    def measure(a, b):
        return frechet_distance(a, b).distance, precision_recall(a, b).recall

    sets = [np.random.default_rng(seed).normal(size=(2, 300, 4)) for seed in range(24)]
    true = np.std([measure(x, y + 0.5) for x, y in sets], axis=0, ddof=1)
    x, y = sets[0]
    found = standard_error(measure, x, y + 0.5, halves=30)
    np.testing.assert_allclose(found, true, rtol=0.5)
    assert standard_error(lambda a, b: len(a), x, y) == 0


def mmd_by_loops(x, y):
    """Each term of the unbiased estimate by itself."""
    same_x = polynomial_kernel(x, degree=3, gamma=1 / x.shape[1], coef0=1)
    same_y = polynomial_kernel(y, degree=3, gamma=1 / x.shape[1], coef0=1)
    cross = polynomial_kernel(x, y, degree=3, gamma=1 / x.shape[1], coef0=1)
    n, m = cross.shape
    total = sum(same_x[i, j] for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    total += sum(same_y[i, j] for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return total - 2 * sum(cross[i, j] for i in range(n) for j in range(m)) / (n * m)


def test_kernel_distance_against_loops():
    x, y = normal(40), normal(40, shift=0.3)
    result = kid(x, y, subsets=3, subset_size=40)  # every subset is the whole
    assert result.distance == pytest.approx(mmd_by_loops(x, y), rel=1e-10)
    assert result.standard_deviation == pytest.approx(0, abs=1e-10)
    assert (result.subset_size, result.subsets, result.seed) == (40, 3, 0)


def test_kernel_distance_over_subsets():
    x, y = normal(300), normal(200, shift=0.3)
    result = kid(x, y, subsets=20, subset_size=30, seed=4)
    random = np.random.default_rng(4)
    values = []
    for _ in range(20):
        chosen = [rows[random.choice(len(rows), 30, replace=False)] for rows in (x, y)]
        values.append(mmd_by_loops(*chosen))
    assert result.distance == pytest.approx(np.mean(values), rel=1e-10)
    assert result.standard_deviation == pytest.approx(np.std(values, ddof=1), rel=1e-10)
    assert (result.n_real, result.n_generated, result.dimension) == (300, 200, 6)


def test_kernel_distance_is_unbiased():
    """Over independent pairs of equal distributions the mean is 0 within its standard error."""
    random = np.random.default_rng(0)
    pairs = random.normal(size=(400, 2, 20, 3))
    values = np.array([kid(*pair, subsets=2, subset_size=20).distance for pair in pairs])
    assert abs(values.mean()) < 3 * values.std() / 20
    assert values.min() < 0 < values.max()


def overlap_by_loops(x, y, precision_k, density_k):
    def radii(rows, k):
        return NearestNeighbors(n_neighbors=k).fit(rows).kneighbors()[0][:, -1]

    distances = cdist(y, x)
    inside = distances <= radii(x, density_k)
    return (
        np.mean([np.any(row <= radii(x, precision_k)) for row in distances]),
        np.mean([np.any(column <= radii(y, precision_k)) for column in distances.T]),
        inside.sum() / (density_k * len(y)),
        np.mean([np.any(column) for column in inside.T]),
    )


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (1.5, 1), (0, 0.3), (0, 3), (50, 1)])
def test_support_overlap_against_loops(shift, scale, monkeypatch):
    monkeypatch.setattr("keras_gan.evaluation.arrays._NUMBERS", 1000)  # several blocks
    x, y = normal(200), normal(200, shift=shift, scale=scale, seed=1)
    result = precision_recall(x, y)
    actual = result.precision, result.recall, result.density, result.coverage
    np.testing.assert_allclose(actual, overlap_by_loops(x, y, 3, 5), rtol=1e-12)
    assert (result.precision_neighbors, result.density_neighbors) == (3, 5)
    assert (result.n_real, result.n_generated, result.dimension) == (200, 200, 6)
    other = precision_recall(x, y, precision_neighbors=7, density_neighbors=2)
    actual = other.precision, other.recall, other.density, other.coverage
    np.testing.assert_allclose(actual, overlap_by_loops(x, y, 7, 2), rtol=1e-12)


def test_support_overlap_of_extremes():
    x = normal(100).astype(np.float32) + 100
    same = precision_recall(x, x.copy())
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert same.density == pytest.approx(6 / 5)  # a point lies in its own ball and in k others'
    apart = precision_recall(x, x + 1000)
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)
    constant = precision_recall(x, np.tile(x[:1], [100, 1]))
    assert constant.precision == 1
    assert constant.recall == 0.01  # the copied example alone
    assert constant.coverage < 0.2
    x[0] = 1e7  # one example far from all others changes nothing of theirs
    far = precision_recall(normal(100), x)
    assert far.precision == far.density == far.coverage == 0
    x = normal(100)
    doubled = np.repeat(x, 6, axis=0)  # every radius is 0: only equal points touch
    assert precision_recall(doubled, doubled).precision == 1
    assert precision_recall(doubled, doubled + 0.01).precision == 0


def test_half_the_data_is_no_full_coverage_however_many_samples_there_are():
    """Of 10,000 samples one lies in every ball of 179 real examples, whatever the generator."""
    random = np.random.default_rng(0)
    real, fair = random.normal(size=(179, 8)), random.normal(size=(10_000, 8))
    blurred_half = real[:90][random.integers(0, 90, 10_000)] + random.normal(size=(10_000, 8))
    radii = np.sort(cdist(real, real))[:, 5]
    for generated, expected in ((blurred_half, 0.75), (fair, 0.955)):
        assert np.all(cdist(real, generated).min(axis=1) <= radii)
        result = precision_recall(real, generated)
        assert result.coverage == pytest.approx(expected, abs=0.01)
        assert (result.n_real, result.n_generated) == (179, 179)
        assert result == precision_recall(real, generated[:179])


def test_equal_numbers_take_the_first_samples_and_real_examples_by_the_seed():
    x, y = np.arange(5), np.arange(10, 13)
    real, generated = equal_numbers(x, y, seed=3)
    np.testing.assert_array_equal(real, x[np.random.default_rng(3).permutation(5)[:3]])
    np.testing.assert_array_equal(generated, y)
    real, generated = equal_numbers(y, x)
    assert sorted(real) == list(y)
    np.testing.assert_array_equal(generated, [0, 1, 2])


def test_pictures_are_compared_as_rows():
    x, y = normal(60).reshape(60, 2, 3, 1), normal(60, seed=1).reshape(60, 2, 3, 1)
    assert compare(x, y) == compare(x.reshape(60, 6), y.reshape(60, 6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: compare(x, x[:5]), "`generated` must hold at least 6 examples"),
        (lambda x: frechet_distance(x[:1], x), "`real` must hold at least 2 examples"),
        (lambda x: frechet_distance(x, x[:, :3]), "`generated` must hold examples of 6 numbers"),
        (lambda x: frechet_distance(x, x * np.nan), "`generated` holds NaN"),
        (lambda x: frechet_distance_at_infinity(x[:13], x), "at least 14 real"),
        (lambda x: inception_score(x), "each row must have sum 1"),
        (lambda x: inception_score(np.ones((1, 1))), "must hold at least 2 examples"),
        (lambda x: inception_score(0.5), "must hold at least 2 examples"),
        (lambda x: inception_score(np.ones((9, 1)), splits=1), "`splits` must be an int >= 2"),
        (lambda x: inception_score(np.ones((9, 1)), splits=2.5), "`splits` must be an int"),
        (lambda x: standard_error(len, x, x, halves=1), "`halves` must be an int >= 2"),
        (lambda x: standard_error(len, x, x, halves=2.5), "`halves` must be an int"),
        (lambda x: standard_error(len, x[:3], x), "`real` must hold at least 4 examples"),
        (lambda x: kid(x, x[:, :3]), "`generated` must hold examples of 6 numbers"),
        (lambda x: kid(x, x, subset_size=21), "in [2, 20]. Received: 21"),
        (lambda x: kid(x, x, subset_size=1), "in [2, 20]. Received: 1"),
        (lambda x: kid(x, x, subset_size=5.0), "`subset_size` must be an int"),
        (lambda x: kid(x, x, subsets=1), "`subsets` must be an int >= 2"),
        (lambda x: kid(x[:0], x), "`real` must hold at least 2 examples"),
        (lambda x: precision_recall(x, x[:5]), "`generated` must hold at least 6 examples"),
        (lambda x: precision_recall(x, x, density_neighbors=0), "must be an int >= 1"),
        (lambda x: precision_recall(x, x, precision_neighbors=2.5), "must be an int >= 1"),
        (lambda x: precision_recall(x / 0, x), "`real` holds NaN or infinite"),
        (lambda x: compare(x + 1j, x), "`real` must hold real numbers. Received: complex128"),
        (lambda x: kid(x, x.astype(str)), "`generated` must hold real numbers. Received: <U32"),
        (lambda x: kid(x, [[1, 2], [3]]), "`generated` must be one array of examples"),
        *(
            (lambda x, call=call: call(x, x * 1e39), "`generated` .* or some beyond 3.4e.38")
            for call in (frechet_distance, kid, precision_recall)
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_refuses(call, message):
    with pytest.raises(InputError, match=message.replace("[", r"\[")):
        call(normal(20))
