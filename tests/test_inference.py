"""q(z | x): an inference network beside the networks, or after them."""

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan import networks, priors
from keras_gan.core.randomness import row_seeds
from keras_gan.evaluation import posterior
from keras_gan.training import checkpoints, inference
from keras_gan.training.inference import Inference

PRIORS = list(priors.NAMES.values())


def invertible(prior):
    """A generator that hides nothing: a linear one."""
    generator = keras.Sequential([keras.Input((5,)), keras.layers.Dense(6)], name="generator")
    kernel = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0][:5]
    generator.set_weights([kernel, np.zeros(6)])
    return generator


@pytest.mark.parametrize("kind", PRIORS)
def test_latents_are_found_again(kind):
    prior = kind(5)
    gan = small.inference_gan(prior, invertible(prior), update="fixed", steps_per_execution=40)
    gan.fit(small.examples(2000), batch_size=50, epochs=3, verbose=0)
    latents = prior.sample(1000, seed=1)
    q = gan.auxiliary_networks[0].posterior(gan.generator(latents))
    found = posterior.recovery(
        latents, inference.center(q), inference.jacobian_gram(gan.generator, latents[:50])
    )
    assert found.used == 5  # its rows are orthonormal: it uses all alike
    assert found.mean > 0.9
    assert np.mean(q.log_prob(latents)) > np.mean(prior.log_prob(latents)) + 1


@pytest.mark.parametrize("kind", PRIORS)
def test_the_support_of_the_prior_is_never_left(kind):
    prior = kind(3)
    numbers = np.random.default_rng(0).normal(0, 30, (200, inference.parameters(prior)))
    q = inference.posterior(prior, tf.constant(numbers, tf.float32))
    for latents in (inference.center(q), *q.sample(5, seed=0)):
        assert np.isfinite(prior.log_prob(latents)).all()
        assert np.isfinite(q.log_prob(latents)).all()
    outside = 10 * numbers[:, :3].astype(np.float32)
    assert np.isfinite(prior.log_prob(prior.project(tf.constant(outside)))).all()


@pytest.mark.parametrize("kind", [priors.Uniform, priors.Normal, priors.Mixture])
def test_q_integrates_to_one_in_one_dimension(kind):
    numbers = tf.constant([[0.3, -1.0], [-2.0, 1.0], [5.0, 0.5]])
    q = inference.posterior(kind(1), numbers)
    edge = priors.Uniform.HALF_WIDTH if kind is priors.Uniform else 30.0
    z = np.linspace(-edge, edge, 200_001)
    density = np.exp(q.log_prob(z.astype(np.float32)[:, None, None]).numpy())
    np.testing.assert_allclose(np.trapezoid(density, z, axis=0), 1.0, atol=1e-4)


def test_q_on_the_circle_integrates_to_one():
    q = inference.posterior(priors.Spherical(2), tf.constant([[0.3, -1.0, 2.0]]))
    angle = np.linspace(0, 2 * np.pi, 100_001)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)
    assert np.trapezoid(np.exp(q.log_prob(points).numpy()), angle) == pytest.approx(1, abs=1e-3)


def test_players_do_not_notice_that_it_learns_beside_them():
    alone = small.gan()
    beside = small.inference_gan()
    for gan in (alone, beside):
        gan.fit(small.examples(), batch_size=10, epochs=2, verbose=0)
    assert small.weights(alone.generator)[0].sum() != 0
    for one, other in (("generator",) * 2, ("discriminator",) * 2):
        difference = small.largest_difference(
            small.weights(getattr(alone, one)), small.weights(getattr(beside, other))
        )
        assert difference == 0


def test_fixed_players_stay_while_it_learns():
    gan = small.inference_gan(update="fixed")
    before = [small.weights(n) for n in (gan.generator, gan.discriminator)]
    began = small.weights(gan.auxiliary_networks[0].network)
    history = gan.fit(small.examples(), batch_size=10, epochs=3, verbose=0).history
    after = [small.weights(n) for n in (gan.generator, gan.discriminator)]
    assert max(map(small.largest_difference, before, after)) == 0
    assert small.largest_difference(began, small.weights(gan.auxiliary_networks[0].network)) > 1e-3
    assert history["inference_loss"][-1] < history["inference_loss"][0]
    assert gan.evaluate(small.examples(), verbose=0, return_dict=True)["inference_loss"] > 0


def test_it_comes_back_from_a_file_and_from_a_checkpoint(tmp_path):
    gan = small.inference_gan()
    examples = small.examples()
    gan.fit(examples, batch_size=10, verbose=0)
    loaded = small.reloaded(gan, tmp_path)
    np.testing.assert_array_equal(
        loaded.auxiliary_networks[0].encode(examples), gan.auxiliary_networks[0].encode(examples)
    )
    checkpoints.write(tmp_path / "checkpoints", checkpoints.snapshot(gan))
    other = small.inference_gan()
    checkpoints.restore_latest(tmp_path / "checkpoints", other)
    for one in (gan, loaded, other):
        one.fit(examples, batch_size=10, verbose=0, epochs=2, initial_epoch=1)
    for one in (loaded, other):
        difference = small.largest_difference(
            small.weights(one.auxiliary_networks[0].network),
            small.weights(gan.auxiliary_networks[0].network),
        )
        assert difference == 0


def test_refinement_comes_nearer_and_stays_in_the_support():
    prior = priors.Uniform(5)
    generator = invertible(prior)
    truth = prior.sample(20, seed=4)
    start = prior.sample(20, seed=5).numpy()
    examples = generator(truth).numpy()
    found = inference.refine(generator, prior, examples, start, steps=300)
    np.testing.assert_allclose(found, truth, atol=1e-2)
    far = inference.refine(generator, prior, 100 * examples, start, steps=50)
    assert np.abs(far).max() <= prior.HALF_WIDTH
    outside = inference.refine(generator, prior, generator(4 + start), 4 + start, steps=1)
    assert np.abs(outside).max() <= prior.HALF_WIDTH


def test_refinement_takes_the_classes_of_arrays():
    latents, classes = keras.Input((3,)), keras.Input((), dtype="int64", name="condition")
    shifts = keras.layers.Embedding(2, 3, embeddings_initializer=keras.initializers.Constant(5))
    generator = keras.Model([latents, classes], latents + shifts(classes) * classes[:, None])
    prior, labels = priors.Normal(3), np.array([0, 1, 0, 1])
    truth = prior.sample(4, seed=4)
    examples = truth.numpy() + 5 * labels[:, None]  # G(z, c) = z + 5 c
    start = np.zeros((4, 3))
    found = inference.refine(generator, prior, examples, start, {"condition": labels}, steps=300)
    np.testing.assert_allclose(found, truth, atol=1e-2)


def test_refinement_in_a_generator_with_noise():
    """Another drawing in each step would choose the luckiest step, not the best latents."""
    noise = keras_gan.layers.GaussianNoise(1.0, sampling=True)
    generator = keras.Sequential([keras.Input((3,)), noise, keras.layers.Dense(4)])
    prior, start, examples = priors.Normal(3), np.zeros((5, 3), np.float32), np.ones((5, 4))
    once, again = (inference.refine(generator, prior, examples, start, steps=5) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    seeds = row_seeds(0, 5)
    before, after = (
        np.square(keras_gan.transform(generator, z, seeds) - examples).sum(1) for z in (start, once)
    )
    assert (after < before).all()


@pytest.mark.parametrize(("spread", "covered"), [(1, (0.5, 0.9)), (2, (0.264, 0.589))])
def test_calibration_of_normals(spread, covered):
    """Truths of standard deviation `spread` lie in the regions of a standard normal so often."""
    random = np.random.default_rng(0)
    truth, draws = spread * random.normal(size=20_000), random.normal(size=(200, 20_000))
    found = posterior.calibration(-0.5 * truth**2, -0.5 * draws**2)
    np.testing.assert_allclose(found.covered, covered, atol=0.012)


def test_directions_that_a_generator_does_not_use():
    """By hand: the first latent moves the image by 3, the second by 4 in another pixel."""
    latents = np.random.default_rng(0).normal(size=(500, 3))
    inferred = latents * [1, 1, 0] + [0, 0, 1]
    found = posterior.recovery(latents, inferred, np.diag([9.0, 16.0, 0.1]))
    assert found.used == 2
    np.testing.assert_allclose(found.shares, np.array([16, 9, 0.1]) / 25.1)
    assert found.mean == pytest.approx(1)
    assert np.isnan(found.correlations[2])


def test_bad_input():
    with pytest.raises(keras_gan.InputError, match="must give 10 numbers"):
        Inference(networks.mlp_encoder((6,), 9, hidden=(4,)), priors.Uniform(5))
    with pytest.raises(keras_gan.InputError, match="auxiliary_optimizers"):
        small.inference_gan().compile("sgd", keras.optimizers.SGD())
    with pytest.raises(keras_gan.InputError, match="`share`"):
        posterior.recovery(np.eye(3), np.eye(3), np.eye(3), share=0)
    with pytest.raises(keras_gan.InputError, match="NaN"):
        posterior.calibration(np.full(3, np.nan), np.zeros((5, 3)))
    with pytest.raises(keras_gan.InputError, match="5 images, but 4"):
        posterior.reconstruction(np.zeros((5, 2)), np.zeros((4, 2)))
