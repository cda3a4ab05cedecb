"""Section 4 of the paper, and section 3 on G's gradient, against independent computations."""

import gradients
import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose
from scipy import integrate, optimize, special, stats
from scipy.spatial import distance

import keras_gan
from keras_gan import losses
from keras_gan.core.errors import InputError
from keras_gan.evaluation import theory
from keras_gan.evaluation.gaussians import GaussianMixture
from reproduce.divergence import sampled_jensen_shannon

LOG_4 = np.log(4)
BOTH = [losses.minimax_generator, losses.non_saturating_generator]


def random_distributions(cells=7, seed=0):
    random = np.random.default_rng(seed)
    return random.dirichlet(np.ones(cells)), random.dirichlet(np.ones(cells))


# ------------------------------------------------------------------ Proposition 1, equation (2)


def test_optimal_discriminator_at_known_places():
    p_data = [0.3, 0.0, 0.5, 0.0, 5e-324, 1e308]
    p_g = [0.1, 0.5, 0.5, 0.0, 5e-324, 1e308]
    assert_allclose(theory.optimal_discriminator(p_data, p_g), [0.75, 0, 0.5, 0.5, 0.5, 0.5])


def test_no_discriminator_has_a_higher_value_than_the_optimal_one():
    p_data, p_g = random_distributions()
    found = optimize.minimize(lambda a: -theory.value(p_data, p_g, logits=a), np.zeros(7))
    assert_allclose(special.expit(found.x), theory.optimal_discriminator(p_data, p_g), atol=1e-4)


# ------------------------------------------------------------ equations (1) and (3), Theorem 1


def test_value_against_sums_over_cells():
    p_data, p_g = random_distributions()
    d = np.random.default_rng(1).uniform(0.1, 0.9, 7)
    by_hand = sum(p * np.log(v) + q * np.log(1 - v) for p, q, v in zip(p_data, p_g, d, strict=True))
    assert_allclose(theory.value(p_data, p_g, logits=special.logit(d)), by_hand, rtol=1e-14)


def test_value_of_a_certain_discriminator():
    sure = np.array([np.inf, -np.inf])
    assert theory.value([1, 0], [0, 1], logits=sure) == 0
    assert theory.value([1, 0], [0, 1], logits=-sure) == -np.inf


def test_value_equals_the_negated_loss_of_the_discriminator():
    """Equation (1) over samples is what the package's loss estimates."""
    p_data, p_g = random_distributions()
    logits = np.random.default_rng(1).normal(size=7)
    loss = losses.discriminator(real_logits=tf.constant(logits), fake_logits=tf.constant(logits))
    only_real = -np.log1p(np.exp(-logits))
    only_fake = -np.log1p(np.exp(logits))
    assert_allclose(-loss, only_real + only_fake, rtol=1e-12)
    value = theory.value(p_data, p_g, logits=logits)
    assert_allclose(value, p_data @ only_real + p_g @ only_fake, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_criterion_is_the_value_at_the_optimal_discriminator(seed):
    p_data, p_g = random_distributions(seed=seed)
    best = theory.optimal_logit(p_data, p_g)
    c = theory.criterion(p_data, p_g)
    assert_allclose(c, theory.value(p_data, p_g, logits=best), rtol=1e-13)
    assert_allclose(c, -LOG_4 + 2 * distance.jensenshannon(p_data, p_g) ** 2, rtol=1e-12)
    assert -LOG_4 + 1e-3 < c < 0


def test_value_at_the_optimum_where_d_rounds_to_one():
    """Both densities are above 0 in cells where D* is 1 in float64."""
    x = np.linspace(-15, 15, 3001)
    p_data, p_g = stats.norm(0, 2).pdf(x), stats.norm(1, 0.8).pdf(x)
    assert np.any((theory.optimal_discriminator(p_data, p_g) == 1) & (p_g > 0))
    found = theory.value(p_data, p_g, logits=theory.optimal_logit(p_data, p_g), width=0.01)
    assert_allclose(found, theory.criterion(p_data, p_g, 0.01), rtol=1e-12)
    assert -1.1 < found < -0.9


def test_the_optimal_logit_at_known_places():
    logits = theory.optimal_logit([0.3, 0.0, 0.5, 0.0, 5e-324], [0.1, 0.5, 0.0, 0.0, 5e-324])
    assert_allclose(logits, [np.log(3), -np.inf, np.inf, 0, 0])


def test_ends_of_the_criterion():
    p, _ = random_distributions()
    assert theory.criterion(p, p) == -LOG_4
    assert theory.jensen_shannon(p, p) == 0
    assert_allclose(theory.jensen_shannon([1, 0], [0, 1]), np.log(2), rtol=1e-15)
    assert_allclose(theory.criterion([0.5, 0.5, 0, 0], [0, 0, 0.2, 0.8]), 0, atol=1e-15)


def test_densities_on_a_grid_against_quadrature():
    a, b = stats.norm(0, 1), stats.norm(1, 1.5)

    def integrand(x):
        m = (a.pdf(x) + b.pdf(x)) / 2
        return (a.pdf(x) * np.log(a.pdf(x) / m) + b.pdf(x) * np.log(b.pdf(x) / m)) / 2

    exact = integrate.quad(integrand, -12, 12)[0]
    x = np.linspace(-12, 12, 2001)
    found = theory.jensen_shannon(a.pdf(x), b.pdf(x), width=x[1] - x[0])
    assert_allclose(found, exact, rtol=1e-8)


# --------------------------------------------------------------------------------- from samples


@pytest.mark.parametrize("equal", [True, False])
def test_bias_of_the_sampled_divergence(equal):
    """The stated bias is the mean excess over many repetitions, within its own uncertainty."""
    p, q = random_distributions(20, seed=3)
    q = p if equal else (p + q) / 2
    random = np.random.default_rng(0)
    found = [
        sampled_jensen_shannon(
            random.choice(20, 800, p=p),
            random.choice(20, 1200, p=q),
            bins=20,
            interval=(-0.5, 19.5),
        )
        for _ in range(400)
    ]
    excess = np.array([one.value for one in found]) - theory.jensen_shannon(p, q)
    uncertainty = excess.std() / np.sqrt(len(excess))
    stated = np.mean([one.bias for one in found])
    assert_allclose(stated, excess.mean(), atol=4 * uncertainty + 1e-4)
    if equal:
        assert_allclose(stated, 19 * (1 / 800 + 1 / 1200) / 8, rtol=0.02)


def test_sampled_divergence_states_its_protocol():
    found = sampled_jensen_shannon([-5.0, 0.1, 0.9, 7.0], [[0.2], [0.8]], bins=2, interval=(0, 1))
    assert (found.samples, found.bins, found.interval) == ((4, 2), 2, (0, 1))
    assert found.outside == (0.5, 0)
    cells = theory.jensen_shannon([0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.5, 0])
    assert_allclose(found.value, cells, rtol=1e-14)


def test_samples_of_known_densities():
    a, b = GaussianMixture([0.0], 1.0), GaussianMixture([2.0], 1.0)
    x = np.linspace(-8, 10, 4001)
    exact = theory.jensen_shannon(a.density(x), b.density(x), width=x[1] - x[0])
    found = sampled_jensen_shannon(a.sample(50_000), b.sample(50_000, 1), bins=50)
    assert_allclose(found.value - found.bias, exact, atol=0.005)


# -------------------------------------------------------------------------------- Proposition 2


@pytest.mark.parametrize("rate", [0.05, 0.5, 1.0])
def test_p_g_converges_to_p_data_if_d_is_optimal_at_every_update(rate):
    """Mirror descent along the gradient of V at D*, log(1 - D*): C never rises."""
    p_data = np.array([0.5, 0.2, 0.2, 0.1, 0.0])
    p_g = np.array([1e-12, 0.01, 0.01, 0.01, 0.97]) / np.sum([1e-12, 0.01, 0.01, 0.01, 0.97])
    course = [theory.criterion(p_data, p_g)]
    for _ in range(1500):
        # 1 - D* is D* with the roles exchanged.
        p_g = p_g * theory.optimal_discriminator(p_g, p_data) ** -rate
        p_g /= p_g.sum()
        course.append(theory.criterion(p_data, p_g))
    assert course[0] > -0.2
    assert np.all(np.diff(course) <= 1e-15)
    # A cell that the data leaves empty shrinks by 2^-rate an update: 2^-75 at the smallest rate.
    assert_allclose(p_g, p_data, atol=1e-6)
    assert_allclose(course[-1], -LOG_4, atol=1e-6)


# ----------------------------------------------------------------------- the smoothing identity


def test_smoothed_gradient_of_a_polynomial():
    """E (x + e)^3 y has gradient (3 x^2 + 3 s^2) y, x^3 + 3 s^2 x for independent noise."""
    x, y, s = 0.7, -1.3, 0.4
    found = gradients.smoothed_gradient(lambda p: p[:, 0] ** 3 * p[:, 1], [x, y], s)
    assert_allclose(found, [(3 * x**2 + 3 * s**2) * y, x**3 + 3 * s**2 * x], rtol=1e-12)


def test_smoothed_gradient_tends_to_the_gradient_of_a_network():
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)]
    )
    point = tf.Variable([[0.3, -0.5]])
    with tf.GradientTape() as tape:
        out = net(point)
    exact = tape.gradient(out, point).numpy()[0]

    weights = [w.astype(np.float64) for w in net.get_weights()]

    def f(p):
        return (np.tanh(p @ weights[0] + weights[1]) @ weights[2] + weights[3])[:, 0]

    errors = [
        np.abs(gradients.smoothed_gradient(f, [0.3, -0.5], s) - exact).max()
        for s in (0.4, 0.2, 0.1)
    ]
    assert 2e-3 < errors[0] < 1
    assert_allclose([errors[0] / errors[1], errors[1] / errors[2]], 4, rtol=0.25)  # order s^2
    assert_allclose(gradients.smoothed_gradient(f, [0.3, -0.5], 1e-4), exact, rtol=2e-5, atol=1e-6)


# -------------------------------------------------------------------------------- G's gradient


@pytest.fixture(scope="module")
def network_pair():
    keras.utils.set_random_seed(1)
    generator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)]
    )
    discriminator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)]
    )
    latents = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    return generator, discriminator, latents


def norm_in_numpy(network_pair, weight):
    """The norm of the mean over z of `weight(logit) dlogit/dtheta`, by hand."""
    generator, discriminator, z = network_pair
    a, b, c, d = (w.astype(np.float64) for w in generator.get_weights())
    e, f, g, h = (w.astype(np.float64) for w in discriminator.get_weights())
    hidden = np.maximum(z @ a + b, 0)
    x = hidden @ c + d
    features = np.tanh(x @ e + f)
    logits = (features @ g + h)[:, 0]
    of_x = weight(logits)[:, None] / len(z) * (((1 - features**2) * g[:, 0]) @ e.T)
    of_hidden = of_x @ c.T * (hidden > 0)
    parts = [z.T @ of_hidden, of_hidden.sum(0), hidden.T @ of_x, of_x.sum(0)]
    return np.sqrt(sum(np.sum(part**2) for part in parts))


@pytest.mark.parametrize("objective", BOTH)
def test_gradient_norm_against_numpy(network_pair, objective):
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    slopes = {BOTH[0]: lambda a: -sigmoid(a), BOTH[1]: lambda a: sigmoid(a) - 1}
    found = gradients.generator_gradient_norm(*network_pair, objective)
    assert_allclose(found, norm_in_numpy(network_pair, slopes[objective]), rtol=1e-5)


def test_saturation(network_pair):
    probabilities = np.array([1e-6, 1e-4, 1e-2, 0.1, 0.5])
    generator, discriminator, latents = network_pair
    minimax, non_saturating = (
        np.array(
            [
                gradients.generator_gradient_norm(
                    generator, gradients.at_probability(discriminator, p), latents, objective
                )
                for p in probabilities
            ]
        )
        for objective in BOTH
    )
    slope = norm_in_numpy(network_pair, np.ones_like)
    assert_allclose(minimax, probabilities * slope, rtol=1e-4)
    assert_allclose(non_saturating, (1 - probabilities) * slope, rtol=1e-4)
    assert minimax[0] < 2e-6 * non_saturating[0]
    assert_allclose(minimax[-1], non_saturating[-1], rtol=1e-6)


@pytest.mark.parametrize("objective", BOTH)
def test_no_gradient_where_d_is_one_half_everywhere(network_pair, objective):
    generator, _, latents = network_pair
    flat = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    assert gradients.generator_gradient_norm(generator, flat, latents, objective) == 0


@pytest.mark.parametrize("objective", BOTH)
def test_gradient_vanishes_as_p_g_reaches_p_data(objective):
    """Data N(0, 1), G(z) = z + t, D = D*: the gradient falls to 0 with t, as computed by hand."""
    z = np.random.default_rng(0).normal(size=(4000, 1)).astype(np.float32)
    norms, by_hand = [], []
    for t in (1.0, 0.1, 0.01, 0.0):
        generator = keras.Sequential([keras.Input((1,)), Shift(t)])
        norms.append(
            gradients.generator_gradient_norm(
                generator, lambda x, t=t: -t * x + t**2 / 2, z, objective
            )
        )
        d = 1 / (1 + np.exp(t * (z.astype(np.float64) + t) - t**2 / 2))
        by_hand.append(np.mean(d * t if objective is BOTH[0] else (1 - d) * t))
    assert_allclose(norms, by_hand, rtol=1e-4)
    assert norms[-1] == 0


class Shift(keras.layers.Layer):
    def __init__(self, start):
        super().__init__()
        self.shift = self.add_weight(
            shape=(1,), initializer=keras.initializers.Constant(start), name="shift"
        )

    def call(self, x):
        return x + self.shift


@pytest.mark.parametrize("objective", BOTH)
def test_g_learns_through_d_alone(network_pair, objective):
    through = gradients.generator_gradient_norm(*network_pair, objective)
    blocked = gradients.generator_gradient_norm(
        *network_pair, objective, through_discriminator=False
    )
    assert through > 1e-3
    assert blocked == 0


class Odd(keras.layers.Layer):
    """A generator as no directed model could have it: folds, sorts and periods."""

    def __init__(self, discrete=False):
        super().__init__()
        self.discrete = discrete
        self.a = self.add_weight(shape=(4, 2), initializer="ones", name="a")

    def call(self, z):
        z = tf.sort(tf.abs(z), axis=1)
        x = tf.sin(3 * z @ self.a) + tf.cumsum(tf.nn.relu(z @ self.a), axis=1)
        return tf.round(x) if self.discrete else x


def test_any_differentiable_function_learns_and_a_discrete_one_cannot(network_pair):
    _, discriminator, _ = network_pair
    z = np.random.default_rng(2).normal(size=(256, 4)).astype(np.float32)
    generator = keras.Sequential([keras.Input((4,)), Odd()])

    def objective():
        logits = tf.reshape(discriminator(generator(z)), [-1])
        return tf.reduce_mean(losses.non_saturating_generator(fake_logits=logits))

    before = float(objective())
    for _ in range(50):
        with tf.GradientTape() as tape:
            loss = objective()
        weights = generator.trainable_variables
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(0.5 * gradient)
    assert float(objective()) < 0.95 * before

    discrete = keras.Sequential([keras.Input((4,)), Odd(discrete=True)])
    assert gradients.generator_gradient_norm(discrete, discriminator, z, BOTH[1]) == 0


def test_a_curve_without_thickness_is_learnt():
    """All mass on a circle of radius 1, where no density exists: half the samples within 5 %."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    generator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(2)]
    )
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(1)]
    )
    gan = keras_gan.GAN(generator, discriminator, prior=keras_gan.priors.Normal(2))
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
        steps_per_execution=50,
    )
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 20_000)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    gan.fit(circle, batch_size=100, epochs=6, verbose=0)
    points = gan.generate(2000, seed=1)
    off = np.abs(np.linalg.norm(points, axis=1) - 1)
    sectors = np.histogram(np.arctan2(points[:, 1], points[:, 0]), 12, (-np.pi, np.pi))[0] / 2000
    assert np.median(off) < 0.05
    assert sectors.min() > 0.02


# ------------------------------------------------------------------------------- known targets


def test_mixture_density_against_scipy():
    mixture = GaussianMixture([[0, 0], [3, 1]], [0.5, 1.5], [0.3, 0.7])
    points = np.random.default_rng(0).normal(size=(50, 2))
    exact = 0.3 * stats.multivariate_normal([0, 0], 0.25).pdf(points) + 0.7 * (
        stats.multivariate_normal([3, 1], 2.25).pdf(points)
    )
    assert_allclose(mixture.density(points), exact, rtol=1e-12)
    assert_allclose(
        mixture.log_density([[100.0, 100]]),
        np.log(0.7) + stats.multivariate_normal([3, 1], 2.25).logpdf([100, 100]),
        rtol=1e-12,
    )


def test_mixture_in_one_dimension():
    mixture = GaussianMixture([-1.0, 2.0], [0.5, 1.0], [0.25, 0.75])
    modes = stats.norm([-1, 2], [0.5, 1])
    x = np.linspace(-5, 7, 9)[:, None]
    assert_allclose(mixture.density(x), modes.pdf(x) @ [0.25, 0.75], rtol=1e-12)
    samples = mixture.sample(20_000, seed=3)
    assert samples.dtype == np.float32
    assert samples.shape == (20_000, 1)
    assert stats.kstest(samples[:, 0], lambda x: modes.cdf(x[:, None]) @ [0.25, 0.75]).pvalue > 1e-3


def test_ring_and_grid():
    ring, grid = GaussianMixture.ring(8, 2.0, 0.1), GaussianMixture.grid(5, 2.0, 0.05)
    assert_allclose(np.linalg.norm(ring.means, axis=1), 2)
    gaps = distance.pdist(ring.means)
    assert_allclose(gaps.min(), 4 * np.sin(np.pi / 8))
    assert grid.modes == 25
    assert_allclose(grid.means.mean(axis=0), 0, atol=1e-12)
    assert_allclose(distance.pdist(grid.means).min(), 2)
    assert_allclose(ring.sample(5, seed=1), ring.sample(5, seed=1))
    mode, deviations = ring.nearest_mode(ring.means[[3, 5]] + [0.1, 0])
    assert mode.tolist() == [3, 5]
    assert_allclose(deviations, 1)


# ------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.optimal_discriminator([1], [0.5, 0.5]), "one shape"),
        (lambda: theory.optimal_discriminator([-1], [1]), "at least 0"),
        (lambda: theory.optimal_discriminator([np.nan], [1]), "finite"),
        (lambda: theory.jensen_shannon([0.5, 0.4], [0.5, 0.5]), "integrate to 1"),
        (lambda: theory.value([1], [1], logits=[np.nan]), "NaN"),
        (lambda: theory.value([1], [1], logits="D"), "`logits` must be an array of numbers"),
        (lambda: theory.optimal_logit([1j], [1]), "`p_data` must be an array of numbers"),
        (lambda: theory.jensen_shannon([1], [1], width=np.nan), "integrate to 1, and it gives nan"),
        (lambda: theory.jensen_shannon([1, 0], [1, 0], [[0.5], [0.5]]), "one for each cell"),
        (lambda: theory.value([1], [1], logits=[0, 0]), "one shape"),
        (lambda: sampled_jensen_shannon([], [1]), "one number a sample"),
        (lambda: sampled_jensen_shannon([[1, 2]], [1]), "one number a sample"),
        (lambda: sampled_jensen_shannon([np.inf], [1]), "infinite"),
        (lambda: sampled_jensen_shannon([1], [1], interval=(1, 0)), "low < high"),
        (lambda: sampled_jensen_shannon([1], [1], bins=0), "at least 1"),
        (lambda: GaussianMixture([[0, 0]], 0.0), "above 0"),
        (lambda: GaussianMixture([[0, 0]], [1, 1]), "each of the 1 modes"),
        (lambda: GaussianMixture([0.0, 1.0], 1.0, [0.5, 0.6]), "sum to 1"),
        (lambda: GaussianMixture([], 1.0), "means"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
