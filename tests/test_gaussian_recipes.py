"""Recipes that draw their own points: what they learn from, and a short game on the ring."""

import dataclasses

import numpy as np
import pytest

import keras_gan
from keras_gan import recipes
from keras_gan.evaluation.coverage import modes_found
from keras_gan.recipes import figure_1, gaussian_grid, ring


@pytest.mark.parametrize("module", [ring, gaussian_grid, figure_1])
def test_splits_come_from_the_mixture_each_by_its_own_seed(module):
    recipe = recipes.get(module.RECIPE.name)
    assert recipe is module.RECIPE
    data = recipe.load_data()
    assert data.fingerprint == recipe.load_data().fingerprint
    for split in (data.train, data.validation, data.test):
        result = modes_found(split.x, module.MIXTURE)
        assert result.found == module.MIXTURE.modes
    assert len(np.intersect1d(data.train.x, data.validation.x)) < 0.01 * data.validation.x.size
    assert len(np.intersect1d(data.test.x, data.validation.x)) < 0.01 * data.validation.x.size


def test_the_ring_s_modes_are_found_early():
    recipe = dataclasses.replace(ring.RECIPE, epochs=8)
    points = recipe.load_data().train.x
    players = recipe.networks(recipe, points, 0)
    gan = keras_gan.GAN(*players, recipe.make_prior(), averaging=recipe.averaging)
    gan.compile(
        *recipe.make_optimizers(len(points)),
        loss=recipe.make_loss(),
        update=recipe.update,
        steps_per_execution=50,
    )
    before = modes_found(gan.generate(2000, 1), ring.MIXTURE)
    assert before.on_modes < 0.05
    gan.fit(points, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=0)
    after = modes_found(gan.generate(2000, 1, averaged=True), ring.MIXTURE)
    assert after.found >= 4
    assert after.on_modes > 0.3
