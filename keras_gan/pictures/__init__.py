"""Pictures from arrays.

Every function returns one, uint8 `[height, width, 3]`; `save_image` and `animate` write them.
"""

from keras_gan.pictures.files import animate, save_image
from keras_gan.pictures.grids import captioned, grid, nearest_examples, nearest_grid, weight_grid
from keras_gan.pictures.latents import circuit, lines, rectangle
from keras_gan.pictures.plots import learning_curves, scatter, trust
from keras_gan.pictures.theory import Panel, figure_1, saturation

__all__ = [
    "Panel",
    "animate",
    "captioned",
    "circuit",
    "figure_1",
    "grid",
    "learning_curves",
    "lines",
    "nearest_examples",
    "nearest_grid",
    "rectangle",
    "saturation",
    "save_image",
    "scatter",
    "trust",
    "weight_grid",
]
