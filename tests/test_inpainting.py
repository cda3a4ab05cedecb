"""p(x_S | x_notS): any part of an image completed by one model."""

import numpy as np
import pytest
import small
import tensorflow as tf
from scipy import stats

import keras_gan
from keras_gan import conditioning, layers, losses
from keras_gan.conditioning import Inpainting
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.randomness import RowDraws, row_seeds
from keras_gan.evaluation import inpainting

SHAPE = (6, 4, 1)


def stripes(n=400):
    """Images of one grey each: any known pixel tells all others."""
    grey = np.random.default_rng(0).random((n, 1, 1, 1), dtype=np.float32)
    return np.broadcast_to(grey, (n, *SHAPE)).copy()


def test_known_pixels_come_back_to_the_last_bit():
    model = small.inpainting_gan()
    images = np.random.default_rng(1).random((9, *SHAPE), dtype=np.float32)
    mask = np.random.default_rng(2).random((9, *SHAPE[:2])) < 0.5
    found = model.generate(9, condition={"known": images, "mask": mask})
    np.testing.assert_array_equal(found[mask], images[mask])
    assert (found[~mask] != images[~mask]).all()


def test_known_pixels_are_not_rounded_in_mixed_precision():
    known = np.full((1, *SHAPE), 0.1, np.float32)
    with small.policy("mixed_float16"):
        layer = layers.Compose.from_config(layers.Compose().get_config())
    found = layer(np.zeros_like(known, np.float16), known, np.ones((1, *SHAPE[:2], 1), bool))
    np.testing.assert_array_equal(found, known)


def test_hidden_pixels_decide_nothing():
    model = small.inpainting_gan()
    images, mask = stripes(5), np.arange(4) < 2
    mask = np.broadcast_to(mask, SHAPE[:2])
    hidden = np.where(mask[..., None], images, np.nan)
    np.testing.assert_array_equal(
        model.generate(5, condition={"known": images, "mask": mask}),
        model.generate(5, condition={"known": hidden, "mask": mask}),
    )


def test_draws_differ_by_seed_and_nothing_known_is_the_default():
    model = small.inpainting_gan()
    nothing = {"known": np.zeros(SHAPE), "mask": np.zeros(SHAPE[:2], bool)}
    np.testing.assert_array_equal(model.generate(4), model.generate(4, condition=nothing))
    assert np.abs(model.generate(4, seed=1) - model.generate(4)).max(axis=(1, 2, 3)).min() > 1e-3


def test_two_samples_complete_every_second_image():
    images, condition = stripes(5), Inpainting(SHAPE)
    real, fake = (
        make(images, None, RowDraws(row_seeds(3, 5)))
        for make in (condition.for_real, condition.for_generated)
    )
    assert set(real) == {"known", "mask"}
    for row, image in enumerate([0, 0, 2, 2, 4]):
        np.testing.assert_array_equal(fake["truth"][row], images[image])
        for name, part in real.items():
            np.testing.assert_array_equal(fake[name][row], part[image])


def energy_loss(made, truth, weight):
    fake = DiscriminatorOutput(
        tf.zeros([len(made)]), examples=tf.constant(made), condition={"truth": tf.constant(truth)}
    )
    return losses.InpaintingLoss(energy_weight=weight).generator(None, fake).numpy()


def test_the_energy_score_of_pairs():
    """-log D is log 2 for logits of 0; norms by hand, the fifth row left out."""
    made = np.zeros((5, 1, 2, 1), np.float32)
    made[:, 0, 0, 0] = [3, 0, 0, 6, 1]
    truth = np.zeros_like(made)
    truth[:, 0, 1, 0] = [4, 4, 0, 0, 0]
    pairs = np.array([5 - 3 / 2, 4 - 3 / 2, 0 - 6 / 2, 6 - 6 / 2])
    wanted = [*(5 / 4 * pairs), 0]  # whose mean over five rows is that of the four
    found = energy_loss(made, truth, 0.5)
    np.testing.assert_allclose(found, np.log(2) + 0.5 * np.array(wanted), rtol=1e-5)


def test_the_energy_score_is_least_for_the_true_distribution():
    """Truth N(0, 1), completions N(m, s^2); E|N(m, v)| is the mean of a folded normal."""
    n = 400_000
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.standard_normal(n // 2), 2).astype(np.float32)[:, None, None, None]
    noise = rng.standard_normal(truth.shape).astype(np.float32)

    def folded(mean, variance):
        return stats.foldnorm.mean(abs(mean) / variance**0.5, scale=variance**0.5)

    found = {}
    for m, s in ((0, 1), (0, 0.5), (0, 2), (0.5, 1), (0, 0)):
        found[m, s] = energy_loss(m + s * noise, truth, 1.0).mean() - np.log(2)
        wanted = folded(m, 1 + s**2) - (folded(0, 2 * s**2) / 2 if s else 0)
        assert found[m, s] == pytest.approx(wanted, abs=5e-3)
    assert min(found, key=found.get) == (0, 1)


def test_inpainting_needs_images_to_complete():
    with pytest.raises(keras_gan.InputError, match="requires truth"):
        small.gan(loss="inpainting")


@pytest.mark.parametrize(("loss", "epochs"), [("non_saturating", 60), ("inpainting", 20)])
def test_it_learns_what_the_known_part_says(loss, epochs):
    model = small.inpainting_gan(loss=loss)
    images = stripes()
    model.fit(images, batch_size=50, epochs=epochs, verbose=0)
    mask = np.zeros(SHAPE[:2], bool)
    mask[:3] = True
    found = model.generate(100, condition={"known": images[:100], "mask": mask})
    error = np.abs(found[:, 3:] - images[:100, 3:]).mean()
    guess = np.abs(images.mean() - images[:100, 3:]).mean()
    assert error < 0.6 * guess


@pytest.mark.parametrize("leading", [(), (3,)])
@pytest.mark.parametrize("last", [(), (1,)])
@pytest.mark.parametrize("sides", [(1, 1), (2, 1), (1, 2)])
def test_images_of_one_pixel_or_two(sides, last, leading):
    mask = np.ones((*leading, *sides, *last), bool)
    given = {"known": np.ones((*sides, 2)), "mask": mask}
    tensors = Inpainting((*sides, 2)).checked(given, 3)
    assert tensors["mask"].shape == (3, *sides, 1)
    assert tensors["known"].shape == (3, *sides, 2)


def test_every_kind_of_mask_comes_as_often_as_said():
    found = conditioning.masks(28, 28, RowDraws(row_seeds(0, 4000))).numpy()
    assert found.dtype == bool
    assert found.shape == (4000, 28, 28, 1)
    known = found.mean(axis=(1, 2, 3))
    assert sum(conditioning.MASKS.values()) == pytest.approx(1)
    for share, kinds in ((0.0, ["everything"]), (1.0, ["nothing"])):
        at_least = sum(conditioning.MASKS[kind] for kind in kinds)
        assert np.mean(known == share) == pytest.approx(at_least, abs=0.03)
    halves = np.zeros((4, 28, 28, 1), bool)
    halves[0, :14] = halves[1, 14:] = halves[2, :, :14] = halves[3, :, 14:] = True
    shares = [np.mean((found == half).all(axis=(1, 2, 3))) for half in halves]
    np.testing.assert_allclose(shares, conditioning.MASKS["half"] / 4, atol=0.02)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(SHAPE), "a dict of 'known' images and their bool 'mask'"),
        ({"known": np.zeros(SHAPE)}, "a dict of"),
        ({"known": np.zeros(SHAPE), "mask": np.zeros(SHAPE[:2])}, "must be bool"),
        ({"known": np.zeros(SHAPE), "mask": np.zeros((6, 5), bool)}, "'mask' must have shape"),
        ({"known": np.zeros((2, *SHAPE)), "mask": np.zeros(SHAPE[:2], bool)}, "'known' must have"),
        ({"known": [[0, 1], [2]], "mask": np.ones(SHAPE[:2], bool)}, "must be an array of numbers"),
        ({"known": np.full(SHAPE, np.nan), "mask": np.ones(SHAPE[:2], bool)}, "NaN or Inf"),
    ],
)
def test_bad_conditions(given, message):
    with pytest.raises(keras_gan.InputError, match=message):
        small.inpainting_gan().generate(3, condition=given)
    with pytest.raises(keras_gan.InputError, match=r"a shape \(h, w, c\)"):
        Inpainting((6,))


def test_what_completions_are_measured_by():
    """Two images of two pixels, one known; the numbers by hand."""
    truth = np.array([0.0, 1.0, 0.0, 3.0]).reshape(2, 1, 2, 1)
    mask = np.array([True, False]).reshape(1, 2, 1)
    drawn = truth[None] + np.array([-1.0, 3.0]).reshape(2, 1, 1, 1, 1) * ~mask
    nearest, mean = truth + 2, np.array([0.0, 1.0]).reshape(1, 2, 1)
    found = inpainting.inpainting_quality(
        truth, mask, drawn, nearest=nearest, mean=mean, labels=np.array([7, 7])
    )
    assert found.missing == 1
    assert found.squared_error == pytest.approx(1)  # both are 1 above on average
    assert found.squared_error_of_one == pytest.approx((1 + 9) / 2)
    assert found.squared_error_of_nearest == pytest.approx(4)
    assert found.squared_error_of_mean == pytest.approx((0 + 4) / 2)
    assert found.spread == pytest.approx(8**0.5)  # -1 and 3 about 1
    assert found.spread_within_class == pytest.approx(2**0.5)  # 1 and 3 about 2
    third = np.full((1, 1, 2, 1), 9.0)  # of no known class
    with_third = inpainting.inpainting_quality(
        np.concatenate([truth, third]),
        mask,
        np.concatenate([drawn, [third, third]], axis=1),
        nearest=np.concatenate([nearest, third]),
        mean=mean,
        labels=np.array([7, 7, -1]),
    )
    assert with_third.spread_within_class == pytest.approx(2**0.5)
    unlabeled = inpainting.inpainting_quality(
        truth, mask, drawn, nearest=nearest, mean=mean, labels=np.array([-1, -1])
    )
    assert unlabeled.spread_within_class is None
    for name, wrong in (("mask", mask[:, :1]), ("nearest", nearest[:1]), ("mean", mean[0])):
        given = {"mask": mask, "nearest": nearest, "mean": mean, name: wrong}
        with pytest.raises(keras_gan.InputError, match=f"`{name}` must have shape"):
            inpainting.inpainting_quality(truth, given.pop("mask"), drawn, **given)
    with pytest.raises(keras_gan.InputError, match="known pixels as they are"):
        inpainting.inpainting_quality(truth, mask, drawn + 1, nearest=nearest, mean=mean)
    with pytest.raises(keras_gan.InputError, match="nothing to fill in"):
        inpainting.inpainting_quality(truth, mask | True, drawn, nearest=nearest, mean=mean)
