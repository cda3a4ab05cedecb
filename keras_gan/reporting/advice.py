"""The warnings of an evaluation, with advice for each of `evaluation.collapse.diagnose`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

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
        "pictures (the recipe pictures does, unless with --augment none), raise the weight of the "
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


@dataclasses.dataclass(frozen=True)
class RunWarning:
    """A warning that a measurement raised: a name, what was measured, what to try next."""

    name: str
    message: str
    advice: str


def warned(results: Mapping[str, Any]) -> tuple[RunWarning, ...]:
    """All warnings of one entry of `evaluation.json`: of all samples, then within classes."""
    of_all = with_advice((results.get("diversity") or {}).get("warnings", ()))
    classes: dict[str, list[str]] = {}
    for c, names in ((results.get("given_classes") or {}).get("warnings") or {}).items():
        for name in names:
            classes.setdefault(name, []).append(c)
    within = (
        {"name": name, "message": f"within {_listed(those)} the samples raise the warning {name}"}
        for name, those in classes.items()
    )
    return (*of_all, *with_advice(within))


def with_advice(raised: Iterable[Mapping[str, Any]]) -> tuple[RunWarning, ...]:
    """Warnings as files hold them, each with what to try next."""
    return tuple(
        RunWarning(str(w["name"]), str(w["message"]), ADVICE.get(w["name"], "")) for w in raised
    )


def _listed(classes: list[str]) -> str:
    return f"class {classes[0]}" if len(classes) == 1 else f"the classes {', '.join(classes)}"
