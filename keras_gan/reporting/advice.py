"""Advice for each warning of `keras_gan.evaluation.collapse.diagnose`."""

from __future__ import annotations

_COLLAPSED = (
    "G has collapsed. Train again with lower learning rates or another --seed. A recipe with the "
    "relativistic loss and gradient penalties, such as pictures, collapses more rarely."
)
_UNEVEN = (
    "Train longer and measure again. If it stays, learn a model for each class with a conditional "
    "recipe, such as mnist_conditional, or pictures with --classes."
)
_MISSING = (
    "G leaves out a part of the data. Train longer; use a recipe with the relativistic loss and "
    "gradient penalties, such as pictures; a larger --batch-size shows D more kinds at once."
)
_MODES = (
    "The samples do not follow the mixture. Train longer, or use ring_r3gan or grid_r3gan, whose "
    "loss keeps all modes."
)

ADVICE = {
    "constant-output": _COLLAPSED,
    "little-variety": _COLLAPSED,
    "identical-samples": _COLLAPSED,
    "near-identical-samples": _COLLAPSED,
    "one-class-only": _COLLAPSED,
    "one-region-only": _COLLAPSED,
    "classes-missing": _MISSING,
    "regions-missing": _MISSING,
    "modes-missing": _MODES,
    "uneven-classes": _UNEVEN,
    "uneven-regions": _UNEVEN,
    "uneven-modes": _MODES,
    "off-modes": _MODES,
    "shrunk-modes": _MODES,
    "discriminator-overfits": (
        "D has learned the training examples by heart. Collect more data, let D see changed "
        "pictures (recipe pictures: --augment color,translation,cutout), raise the weight of the "
        "gradient penalties (--gamma), or stop earlier."
    ),
    "low-recall": _MISSING,
    "low-coverage": _MISSING,
    "gaps": _MISSING,
    "low-density": (
        "Many samples do not look like data. Train longer, or measure the moving average of the "
        "weights (--weights ema), whose samples are usually cleaner."
    ),
    "little-detail": (
        "The samples are blurred or faint. Train longer; a larger --width gives the networks more "
        "to draw with."
    ),
    "much-detail": (
        "The samples are noisy. Train longer, or measure the moving average of the weights "
        "(--weights ema). For color pictures, convolutional networks (recipe pictures) make less "
        "noise than fully connected ones."
    ),
    "training-set-memorized": (
        "G repeats training examples. Do not publish its samples as new pictures. Collect more "
        "data, use smaller networks, augment (recipe pictures: --augment), or stop earlier."
    ),
    "unlike-data": (
        "G has not learned the data yet, or training has diverged. Train longer; if the curves "
        "jump, lower both learning rates."
    ),
}
