"""Recipes that draw their own points: what they learn from, and a short game on the ring."""

import dataclasses

import pytest

from keras_gan import recipes
from keras_gan.evaluation.collapse import CollapseDetector, diagnose, modes_found
from keras_gan.experiment import TrainingData
from keras_gan.recipes import gaussian_grid, ring


@pytest.mark.parametrize("module", [ring, gaussian_grid])
def test_splits_come_from_the_mixture_each_by_its_own_seed(module):
    recipe = recipes.get(module.__name__.rpartition(".")[2])
    settings = recipe.settings()
    data = recipe.load_data(settings)
    assert data.fingerprint == recipe.load_data(settings).fingerprint
    for split in (data.train, data.validation, data.test):
        result = modes_found(split.x, module.MIXTURE)
        assert result.found == module.MIXTURE.modes
    seen = {row.tobytes() for row in data.train.x}
    for split in (data.validation, data.test):  # float32 has some numbers twice
        assert sum(row.tobytes() in seen for row in split.x) < 0.01 * len(split)


@pytest.mark.parametrize("epochs", [15, pytest.param(30, marks=pytest.mark.slow)])
def test_the_ring_s_modes_are_found_and_nothing_warns(epochs):
    """Half of the recipe's epochs are enough, by which the fast test stands for the whole."""
    settings = dataclasses.replace(ring.Settings(), epochs=epochs)
    data = ring.load_data(settings)
    points = data.train.x
    gan, arguments = ring.build(settings, TrainingData.of(settings, points))
    gan.compile(**arguments, steps_per_execution=50)
    before = modes_found(gan.generate(2000, 1), ring.MIXTURE)
    assert before.on_modes < 0.05
    gan.fit(points, batch_size=settings.batch_size, epochs=settings.epochs, verbose=0)
    samples = gan.generate(10_000, 1, ema=True)
    after = modes_found(samples, ring.MIXTURE)
    assert after.found == 8
    assert 0.8 <= after.on_modes <= 1
    detector = CollapseDetector(points, held_out=data.test.x, mixture=ring.MIXTURE)
    assert diagnose(*detector.examine(samples[:1000])) == ()
    mode, _ = ring.MIXTURE.nearest_mode(samples)
    three = samples[mode < 3][:1000]
    assert "modes-missing" in {warning.name for warning in diagnose(*detector.examine(three))}
