"""Pictures from arrays: uint8 `[height, width, 3]`, which `save_image` and `animate` write.

`lines`, `circuit` and `rectangle` make the latents of some, `nearest_examples` finds what others
show.
"""

from keras_gan.plotting.curves import learning_curves, scatter, trust
from keras_gan.plotting.files import animate, save_image
from keras_gan.plotting.grids import captioned, grid, nearest_examples, nearest_grid, weight_grid
from keras_gan.plotting.latents import circuit, lines, rectangle
from keras_gan.plotting.theory import Panel, figure_1, saturation

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
