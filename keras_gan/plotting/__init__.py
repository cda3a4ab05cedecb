"""Pictures from arrays: uint8 `[height, width, 3]`, which `save_image` and `animate` write.

Arrays of another shape or range raise `InputError`. `lines`, `circuit`, `loop` and `rectangle` give
latents to draw, `nearest_examples` gives training examples.
"""

from keras_gan.plotting.curves import learning_curves, reliability, scatter
from keras_gan.plotting.files import animate, save_image
from keras_gan.plotting.grids import captioned, grid, nearest_examples, nearest_grid, weight_grid
from keras_gan.plotting.latents import circuit, lines, loop, rectangle

__all__ = [
    "animate",
    "captioned",
    "circuit",
    "grid",
    "learning_curves",
    "lines",
    "loop",
    "nearest_examples",
    "nearest_grid",
    "rectangle",
    "reliability",
    "save_image",
    "scatter",
    "weight_grid",
]
