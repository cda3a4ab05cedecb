"""Your own pictures: R3GAN's objective, with networks and lengths that fit the data and the time.

    keras-gan train --dataset photos/
    keras-gan train --dataset photos.zip --size 64 --budget 8h
    keras-gan train --dataset photos/ --quick

Pictures of any shape from 8x8 on, with any number of channels, by class if they have classes.
Before training, a few steps tell how many pictures the budget allows. The learning rates fall over
that number, and penalties and moving average change in its first tenth. `--epochs` or `--images`
set it instead.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import tensorflow as tf

from keras_gan import augmentation, experiment, networks
from keras_gan.conditioning import Classes
from keras_gan.core.errors import InputError
from keras_gan.data import PictureOptions
from keras_gan.data.pictures.sources import shown
from keras_gan.experiment import TrainingData, setting
from keras_gan.experiment.settings import PRECISIONS
from keras_gan.experiment.speed import bfloat16_is_native, seconds_per_step
from keras_gan.optimizers.schedules import Linear
from keras_gan.recipes.settings import Built, Networks, R3GANSettings, model, output_activation

# Networks by the machine. With the same time on two cores, DCGAN's were far ahead of R3GAN's at
# width 128 on CIFAR-10; on GPUs neither has been measured. With blocks and batch normalization in
# G the distance falls about twice as fast, and higher learning rates are stable.
ON_CPU, ON_GPU = "dcgan", "r3gan"
LEARNING_RATES = {"dcgan": 1e-3, "r3gan": 4e-4}
# Of `dcgan` for widths up to this one; inversely to the width above. With 0.001, D of width 32 did
# not learn on CIFAR-10; with half of it, it learned more in each pass than one of width 16.
NARROW = 16
# On two cores, with CIFAR-10, minibatches of 32, so twice the updates, learned faster than those of
# 64; those of 16 no faster still.
BATCH_SIZES = {"dcgan": 32, "r3gan": 64}
# R3GAN's channels at the smallest resolution; each larger one has half, but never fewer than these.
# Of other numbers than multiples of 8 part of a processor's registers stays empty: in bfloat16 a
# step of width 26 takes 38 % longer than one of 24, and 8 % less than one of 32.
WIDTH_R3GAN, LEAST_WIDTH = 512, 8
# Where the time is too short for so many steps, narrower networks learn more: 2,000 digits of 28x28
# had a Frechet distance of 965 after 180 s (650 steps, width 12), of 1,051 after 300 s (275, 36),
# with a DCGAN pair without blocks and batch normalization.
ENOUGH_STEPS = 2_000
# Where it allows more than these, wider ones do. On CIFAR-10, 22,500 steps of width 32 reached a
# Frechet distance of 246 and a recall of 0.21; 40,000 of width 16 had 261 and 0.16, and more of
# them gained nothing. With fewer than SOME pictures this was not measured.
MANY_STEPS = 20_000
NETWORKS = ("auto", "dcgan", "r3gan")
QUICK = "2m"
SECONDS_PER_DISTANCE = 20  # of 2,000 pictures, after recomputed batch statistics, on two cores
MOST_IN_GROUP = 4  # rows whose standard deviation D sees, as in StyleGAN2
# Number of pictures from which on D needs no augmentation, or a weaker one. With cutout too, the
# distance of CIFAR-10 was 403 after five passes, and 354 after fifteen; without it 422 and 343.
MANY, SOME = 200_000, 20_000
# Passes over many pictures until all of those that D sees are augmented; none at first. On CIFAR-10
# learning was slower with augmentation in the first passes, and stopped without it after some six.
RISE = 10
# Of few pictures, as many are augmented as D's overfitting asks for: to augment all of 4,000, each
# seen 60 times, made the Frechet distance 495 instead of 399. From none to all takes at least this
# part of training.
ADAPTED_IN = 1 / 10
# Of few pictures, too, the colors of half of the augmented ones change, and R1 and R2 keep their
# weight in `dcgan`: D overfits less. With all of CIFAR-10 both made learning slower after the
# first passes (the distance after 21: 230, with width 24; 209 without, with 26); there, and in
# R3GAN, the weight falls to a tenth.
COLOR = 0.5
# Of an epoch and of a run, where few pictures are given several times in an epoch.
LEAST_STEPS, LEAST_EPOCHS = 50, 20
FEW = 100  # pictures: with fewer, too few are held out to measure a distance by
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclasses.dataclass(frozen=True)
class Settings(PictureOptions, R3GANSettings, experiment.Settings):
    """Settings that depend on the data and the machine are 0 or "auto" until training begins."""

    seconds_between_pictures: ClassVar[float] = 60.0
    plans_by_epochs: ClassVar[bool] = True

    dataset: str = "cifar10"
    classes: str = "labels"
    preprocessing: str = "symmetric_range"
    batch_size: int = setting(
        0, "m: examples of a minibatch; 0: by the networks", least=0, most=2**20
    )
    epochs: int = setting(
        0,
        "epochs, of --passes over the pictures each; 0: by --images or --budget",
        least=0,
        most=10**6,
    )
    precision: str = setting(
        "auto",
        "float32, mixed_bfloat16 or auto: the one that is faster",
        choices=("auto", *PRECISIONS),
    )
    budget: str = setting("1h", "time to train for, such as 30m, 8h or 2d")
    quick: bool = setting(False, f"a first look: a budget of {QUICK}")
    images: int = setting(
        0,
        "pictures to learn from in all, counted each time; 0: as many as the budget allows",
        least=0,
    )
    passes: int = setting(
        0, "how often an epoch gives each picture; 0: by rule, few pictures several times", least=0
    )
    networks: str = setting(
        "auto", f"dcgan, r3gan or auto: {ON_CPU} on CPUs, {ON_GPU} on GPUs", choices=NETWORKS
    )
    blocks: int = setting(1, "residual blocks at each resolution", least=0)
    width: int = setting(
        0,
        "channels of dcgan at the full size, of r3gan at the smallest; 0: by the size "
        "and the budget",
        least=0,
    )
    self_modulation: bool = setting(
        True,
        "let scale and offset of G's normalization in dcgan depend on z too: samples vary more",
    )
    minibatch_std: int = setting(
        0,
        "of dcgan: rows of a group whose standard deviation D sees: samples vary more; 1: none; "
        "0: by the batch size, at most 4",
        least=0,
        most=1024,
    )
    augment: str = setting(
        "auto",
        "changes of what D sees: none, or DiffAugment's policies, such as color,translation; "
        "auto: by the number of pictures",
    )
    generator_learning_rate: float = setting(
        0.0, "learning rate of G's first update; 0: by the networks", least=0
    )
    discriminator_learning_rate: float = setting(
        0.0, "learning rate of D's first update; 0: by the networks", least=0
    )
    learning_rate_factor: float = 0.25
    learning_rate_decay: int = setting(
        0, "images over which the learning rates fall; 0: all", least=0
    )
    gamma: float = setting(0.0, "weight of R1 and R2, at first; 0: by the size", least=0)
    final_gamma: float = setting(0.0, "the same after the burn-in; 0: by rule", least=0)
    penalty_every: int = 4
    burn_in: int = setting(
        0,
        "images in which beta-2, gamma and the EMA's half-life move to their final values; "
        "0: a tenth of all",
        least=0,
    )
    ema_half_life: int = setting(
        0, "images after which old weights count half in the moving average; 0: by rule", least=0
    )
    likelihood_every: int = 0
    distance_every: int = setting(
        0,
        "epochs between Frechet distances to validation pictures, by which the best model is "
        "chosen; 0: by rule, for a twentieth of the time at most",
        least=0,
    )

    def __post_init__(self) -> None:
        """Checks the budget and the augmentation besides."""
        super().__post_init__()
        if self.quick and self.budget != type(self).budget:
            raise InputError(
                f"--quick is a budget of {QUICK}: leave out it or --budget. Received: {self.budget}"
            )
        self.budget_seconds  # noqa: B018
        if self.augment not in ("auto", "none"):
            augmentation.DiffAugment(self.augment)

    @property
    def _time(self) -> str:
        return QUICK if self.quick else self.budget

    @property
    def budget_seconds(self) -> float:
        """The time to train for, in seconds."""
        match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", self._time)
        if not match or not float(match[1]):
            raise InputError(
                "--budget must be a number above 0 with a unit, such as 30m, 8h or 2d. "
                f"Received: {self.budget!r}"
            )
        return float(match[1]) * _UNITS[match[2]]

    def resolve(self, data: TrainingData) -> Self:
        """Chooses what is left open, by the data, the machine and the budget."""
        if len(data.shape) != 3 or min(data.shape[:2]) < 8:
            raise InputError(
                "recipe 'pictures' learns from images of at least 8x8 pixels; for smaller ones and "
                "for points use --recipe own_data. "
                f"Received: examples of shape {data.shape}"
            )
        if data.size < FEW and not self.init:
            print(
                f"{data.size} pictures are few: expect their colors and textures, hardly shapes. "
                "More pictures help, or --init RUN, a run on similar ones",
                flush=True,
            )
        # R3GAN's published weights, 0.05 for 32x32, 2 for 64x64 and 150 for 256x256, grow about
        # with the square of the number of pixels.
        gamma = self.gamma or 0.1 * (data.shape[0] * data.shape[1] / 32**2) ** 2
        size = data.size
        kind, on_gpu = self.networks, bool(tf.config.list_logical_devices("GPU"))
        if kind == "auto":
            kind = ON_GPU if on_gpu else ON_CPU
        constant = kind == "dcgan" and size < SOME
        by_rule = _rounded(512 / max(data.shape[:2])) if kind == "dcgan" else WIDTH_R3GAN
        rows = min(self.batch_size or BATCH_SIZES[kind], size)
        group = self.minibatch_std or math.gcd(MOST_IN_GROUP, rows)
        if kind == "dcgan" and rows % group:
            raise InputError(
                f"--minibatch-std must divide the batch size, {rows}. Received: {group}"
            )
        chosen = dataclasses.replace(
            self,
            networks=kind,
            self_modulation=self.self_modulation and kind == "dcgan",
            minibatch_std=group if kind == "dcgan" else 1,
            batch_size=rows,
            augment=_augmentation(size) if self.augment == "auto" else self.augment,
            gamma=gamma,
            final_gamma=self.final_gamma or (gamma if constant else gamma / 10),
        )._of_width(self.width or by_rule, self)
        images = self.images or self.epochs * size * max(1, self.passes)
        precisions: Sequence[str] = [self.precision]
        if self.precision == "auto":
            native = on_gpu or bfloat16_is_native()
            precisions = PRECISIONS if native else ["float32"]
        if images and len(precisions) == 1:
            return dataclasses.replace(chosen, precision=precisions[0])._with_lengths(images, size)
        chosen, seconds = chosen._timed(data, precisions)
        if images:
            return chosen._with_lengths(images, size)
        steps = chosen._steps(seconds, size)
        if steps < ENOUGH_STEPS:
            minutes = math.ceil(self.budget_seconds * ENOUGH_STEPS / steps / 60)
            print(
                f"a short time for this size: expect rough shapes at best. {ENOUGH_STEPS:,} "
                f"steps take --budget {minutes}m, fewer minutes with a smaller --size"
            )
        # From width 16 to 48, the time of a step grows with the width to the power of 1.5.
        factor = min(1.0, steps / ENOUGH_STEPS)
        if kind == "dcgan" and size >= SOME:
            factor *= max(1.0, steps / MANY_STEPS)
        width = _rounded(chosen.width * factor ** (1 / 1.5))
        if not self.width and width != chosen.width:
            reason = "so few steps teach little" if factor < 1 else "there is time for wider ones"
            print(f"networks of width {chosen.width}: {reason}; trying width {width}")
            # The wider the networks, the more bfloat16 gains.
            possible = precisions if factor > 1 else [chosen.precision]
            chosen, seconds = chosen._of_width(width, self)._timed(data, possible)
            steps = chosen._steps(seconds, size)
        return chosen._with_lengths(steps * chosen.examples_per_step, size)

    def _of_width(self, width: int, asked: Self) -> Self:
        """These settings with networks of that width, and learning rates that suit it."""
        rate = LEARNING_RATES[self.networks]
        if self.networks == "dcgan":
            rate = float(f"{rate * min(1.0, NARROW / width):.3g}")  # people read it
        return dataclasses.replace(
            self,
            width=width,
            generator_learning_rate=asked.generator_learning_rate or rate,
            discriminator_learning_rate=asked.discriminator_learning_rate or rate,
        )

    def _timed(self, data: TrainingData, precisions: Sequence[str]) -> tuple[Self, float]:
        """These settings in the fastest precision, and the seconds of a step, by a trial."""
        print(f"timing a few steps in {' and '.join(precisions)}", flush=True)
        few = dataclasses.replace(self, passes=1)._with_lengths(self.examples_per_step, data.size)
        seconds = {
            precision: seconds_per_step(build, dataclasses.replace(few, precision=precision), data)
            for precision in precisions
        }
        if len(seconds) > 1:
            texts = [f"{time:.3g} s in {name}" for name, time in seconds.items()]
            print(f"a step takes {', '.join(texts)}")
        fastest = min(seconds, key=seconds.__getitem__)
        return dataclasses.replace(self, precision=fastest), seconds[fastest]

    def _steps(self, seconds: float, size: int) -> int:
        """The number of steps in the budget, if one takes so many seconds."""
        steps = max(1, int(self.budget_seconds / seconds))
        times = steps * self.examples_per_step / size
        print(
            f"a step with {self.examples_per_step} pictures and width {self.width} takes "
            f"{seconds:.2g} s: {steps:,} steps, {times:,.{0 if times >= 10 else 1}f} times all "
            f"pictures, in --budget {self._time}"
        )
        return steps

    def steps_per_epoch(self, size: int) -> int:
        """Steps of an epoch; 0 while the size of a minibatch is open."""
        return super().steps_per_epoch(size) if self.batch_size else 0

    def examples_per_epoch(self, size: int) -> int:
        """Fewer than all where the time is too short for an epoch; few pictures several times."""
        if 0 < self.images < size:
            return min(size, max(self.images, self.examples_per_step))
        return size * max(1, self.passes)

    def _with_lengths(self, images: int, size: int) -> Self:
        """The settings to learn from so many images of a set of this size."""
        group = self.examples_per_step
        # An epoch ends with a checkpoint and a row of metrics, which take longer than a few steps.
        by_rule = min(-(-LEAST_STEPS * group // size), images // (LEAST_EPOCHS * size))
        passes = self.passes or (1 if self.epochs else max(1, by_rule))
        planned = dataclasses.replace(self, images=images, passes=passes)
        steps = max(1, planned.examples_per_epoch(size) // group)  # the rest fills no step
        epochs = self.epochs or max(1, round(images / (steps * group)))
        distances = min(20, int(self.budget_seconds / 20 / SECONDS_PER_DISTANCE))
        if size < FEW:
            distances = 0
        return dataclasses.replace(
            planned,
            epochs=epochs,
            distance_every=self.distance_every or (-(-epochs // distances) if distances else 0),
            learning_rate_decay=self.learning_rate_decay or images,
            burn_in=self.burn_in or max(1, images // 10),
            ema_half_life=self.ema_half_life or max(1, min(500_000, images // 40)),
        )


def _rounded(width: float) -> int:
    return LEAST_WIDTH * max(1, round(width / LEAST_WIDTH))


def _augmentation(size: int) -> str:
    """The policy for so many pictures, after the paper's choices (Zhao et al. 2020)."""
    if size >= MANY:
        return "none"
    return "color,translation" if size >= SOME else "color,translation,cutout"


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    labels, names = data.labels, data.label_names or ()
    known = labels is not None and labels.min() >= 0
    classes = len(names) if len(names) > 1 and known else None
    generator, discriminator = _networks(settings, data, classes)
    condition = Classes(classes, class_names=[*map(shown, names)]) if classes else None
    gan, arguments = model(settings, data, generator, discriminator, condition=condition)
    if settings.augment != "none":
        count = data.size // max(1, settings.passes)  # an epoch may give each several times
        few = count < SOME
        probability = (
            augmentation.Adaptive(images=ADAPTED_IN * settings.images)
            if few
            else Linear(0.0, 1.0, RISE * count)
        )
        arguments["augmentation"] = augmentation.DiffAugment(
            settings.augment,
            probability,
            color=COLOR if few and "color" in settings.augment.split(",") else 1.0,
        )
    return gan, arguments


def _networks(settings: Settings, data: TrainingData, classes: int | None) -> Networks:
    shape, latent_dim, seed = data.shape, settings.latent_dim, settings.seed
    common: dict[str, Any] = {"blocks": settings.blocks, "classes": classes}
    if settings.networks == "dcgan":
        common |= {"width": settings.width, "full_size": True}
        activation = output_activation(settings)
        return (
            networks.dcgan_generator(
                shape,
                latent_dim,
                batch_norm=True,
                self_modulation=settings.self_modulation,
                activation=activation,
                seed=seed,
                **common,
            ),
            networks.dcgan_discriminator(
                shape,
                minibatch_std=settings.minibatch_std if settings.minibatch_std > 1 else None,
                seed=seed + 1,
                **common,
            ),
        )
    stages = range(len(networks.resolutions(shape)))
    # Whole groups: of 16 channels, in convolutions of twice the width.
    common["widths"] = [max(1, settings.width // 8 >> stage) * LEAST_WIDTH for stage in stages]
    common["group_size"] = 16
    return (
        networks.r3gan_generator(shape, latent_dim, seed=seed, **common),
        networks.r3gan_discriminator(shape, seed=seed + 1, **common),
    )
