"""Recipes that draw their own points: what they learn from, and a short game on the ring."""

import pytest

import keras_gan
from keras_gan import recipes
from keras_gan.evaluation.collapse import CollapseDetector, diagnose, modes_found
from keras_gan.recipes import gaussian_grid, ring


@pytest.mark.parametrize("module", [ring, gaussian_grid])
def test_splits_come_from_the_mixture_each_by_its_own_seed(module):
    recipe = recipes.get(module.RECIPE.name)
    assert recipe is module.RECIPE
    data = recipe.load_data()
    assert data.fingerprint == recipe.load_data().fingerprint
    for split in (data.train, data.validation, data.test):
        result = modes_found(split.x, module.MIXTURE)
        assert result.found == module.MIXTURE.modes
    seen = {row.tobytes() for row in data.train.x}
    for split in (data.validation, data.test):  # float32 has some numbers twice
        assert sum(row.tobytes() in seen for row in split.x) < 0.01 * len(split)


def test_the_ring_s_modes_are_found_and_nothing_warns():
    recipe = ring.RECIPE
    data = recipe.load_data()
    points = data.train.x
    players = recipe.networks(recipe, points, 0)
    gan = keras_gan.GAN(*players, recipe.make_prior(), ema=recipe.ema)
    recipe.compile(gan, len(points), steps_per_execution=50)
    before = modes_found(gan.generate(2000, 1), ring.MIXTURE)
    assert before.on_modes < 0.05
    gan.fit(points, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=0)
    samples = gan.generate(10_000, 1, ema=True)
    after = modes_found(samples, ring.MIXTURE)
    assert after.found == 8
    assert 0.8 <= after.on_modes <= 1
    detector = CollapseDetector(points, held_out=data.test.x, mixture=ring.MIXTURE)
    assert diagnose(*detector.examine(samples[:1000])) == ()
    mode, _ = ring.MIXTURE.nearest_mode(samples)
    three = samples[mode < 3][:1000]
    assert "modes-missing" in {warning.name for warning in diagnose(*detector.examine(three))}
