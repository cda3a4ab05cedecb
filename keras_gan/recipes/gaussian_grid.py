"""Twenty-five Gaussians on a 5x5 grid, standard deviation 0.05 at a spacing of 1.

python -m keras_gan.train --recipe gaussian_grid
"""

import dataclasses
import functools

from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.recipes import ring

MIXTURE = GaussianMixture.grid()

RECIPE = dataclasses.replace(
    ring.RECIPE,
    name="gaussian_grid",
    source=functools.partial(ring.draw, "gaussian_grid", MIXTURE),
    dataset="gaussian_grid",
)
