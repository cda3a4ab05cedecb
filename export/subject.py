"""The subject of an export: a generator and all that is needed to use it."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan import conditioning, inference, priors, randomness
from keras_gan.conditioning import ConditionTensors
from keras_gan.data import Identity, Preprocessing
from keras_gan.presets import without_folders
from keras_gan.reporting.measured import is_current, numbers
from keras_gan.training.network_checks import symbolic_call
from keras_gan.training.precision import in_precision
from keras_gan.training.sampling import with_truncation

METADATA_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Subject:
    """A generator, ready for export."""

    generator: keras.Model  # latents float [n, prior.dimension] to examples on the networks' scale
    discriminator: keras.Model
    prior: priors.Prior
    preprocessing: Preprocessing  # from images in [0, 1] to the networks' scale, and back
    condition: conditioning.Condition | None = None
    encoder: inference.Inference | None = None
    origin: dict[str, Any] = dataclasses.field(default_factory=dict)  # of metadata

    @classmethod
    def from_run(cls, run: keras_gan.Run, weights: str = "last", truncation: float = 1.0) -> Self:
        """The subject of a finished run.

        The discriminator and the encoder are those of the last epoch, whatever the weights. The
        generator multiplies latents by `truncation`, as in `GAN.generate`.
        Networks trained in mixed precision have float32 weights, and are exported in float32.
        """
        gan, generator = run.gan(), run.generator(weights, truncation)
        encoder = inference.among(gan.auxiliary_networks)
        if encoder is not None:
            network = in_precision(encoder.network, "float32", gan.example_shape)
            encoder = inference.Inference(network, encoder.prior)
        identity, preset = run.identity, run.config.get("preset", {})
        training = {
            "data": identity.get("dataset"),
            "fingerprint": identity.get("data"),
            "provenance": run.config["provenance"],
            "epochs": preset["epoch"] if "epoch" in preset else run.epoch_of(weights),
            "seed": identity.get("seed"),
            "versions": run.config["versions"],
        }
        origin = {
            "recipe": identity["recipe"],
            "weights": preset.get("weights", weights),
            "truncation": truncation,
            "training": training,
            **_evaluation(run, weights, truncation),
        }
        return cls(
            in_precision(generator, "float32", (gan.prior.dimension,)),
            in_precision(gan.discriminator, "float32", gan.example_shape),
            gan.prior,
            run.preprocessing,
            gan.condition,
            encoder,
            without_folders(origin, run.config),
        )

    @functools.cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        latents = keras.KerasTensor((None, self.prior.dimension), "float32")
        return tuple(symbolic_call(self.generator, latents).shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether examples are images in [0, 1], rather than points of any scale."""
        return len(self.shape) == 3 and not isinstance(self.preprocessing, Identity)

    @functools.cached_property
    def noisy(self) -> bool:
        """Whether the generator draws noise while sampling: other seeds give other examples.

        Raises:
            keras_gan.InputError: The same seeds give other examples too.
        """
        seeds = tf.constant(randomness.row_seeds(0, 16))
        latents, condition = self.draw(seeds), self.trial_condition(seeds)
        with tf.device("/CPU:0"):
            one, same, other = (
                self.generate(latents, seeds + i, condition).numpy() for i in (0, 0, 1)
            )
        close = functools.partial(np.allclose, one, rtol=0, atol=1e-6, equal_nan=True)
        if not close(same):
            raise keras_gan.InputError(
                f"the generator {self.generator.name!r} draws noise that no seed repeats, so its "
                "samples could not be had again; use keras_gan.layers.GaussianNoise(sampling=True) "
                "or keras_gan.layers.Dropout(sampling=True)"
            )
        return not close(other)

    def in_float16(self) -> Self:
        """The same model with the generator's weights and arithmetic in float16."""
        generator = in_precision(self.generator, "float16", (self.prior.dimension,))
        return dataclasses.replace(self, generator=generator)

    def draw(self, seeds: tf.Tensor) -> tf.Tensor:
        """Latents from the prior, float32 `[n, d]`."""
        return self.prior.draw(randomness.RowDraws(seeds))

    def trial_condition(self, seeds: tf.Tensor) -> ConditionTensors:
        """A condition for comparisons; standard normal where the condition draws none itself."""
        if self.condition is None:
            return {}
        draws = randomness.RowDraws(seeds)
        if isinstance(self.condition, conditioning.Inpainting):  # with some pixels known
            images = randomness.uniform(draws.bits(self.shape))
            return self.condition.for_real(images, None, draws)
        try:
            return self.condition.draw(draws)
        except keras_gan.InputError:
            return {
                name: randomness.normal(draws.bits(tensor.shape[1:]))
                for name, tensor in conditioning.condition_inputs(self.generator).items()
            }

    def generate(
        self,
        latents: tf.Tensor,
        noise_seed: tf.Tensor | None = None,
        condition: ConditionTensors | None = None,
    ) -> tf.Tensor:
        """Examples in [0, 1] (points: on their own scale), float32 `[n, ...]`."""
        if noise_seed is None:
            noise_seed = tf.zeros(tf.shape(latents)[:1], tf.int64)
        condition, known = self._known(condition)
        outputs = keras_gan.transform(self.generator, latents, noise_seed, condition)
        return _nan_unless(known, self.preprocessing.denormalize(outputs))

    def discriminate(
        self, examples: tf.Tensor, condition: ConditionTensors | None = None
    ) -> tf.Tensor:
        """D's logits for examples as `generate` returns them, float32 `[n]`."""
        inputs = self.preprocessing.normalize(examples)
        condition, known = self._known(condition)
        outputs = conditioning.call(self.discriminator, inputs, condition)
        logits = outputs["logits"] if isinstance(outputs, dict) else outputs
        return _nan_unless(known, tf.reshape(tf.cast(logits, tf.float32), [-1]))

    def encode(self, examples: tf.Tensor, condition: ConditionTensors | None = None) -> tf.Tensor:
        """Latents of examples as `generate` returns them, float32 `[n, d]`."""
        assert self.encoder is not None
        inputs = self.preprocessing.normalize(examples)
        condition, known = self._known(condition)
        return _nan_unless(known, self.encoder.encode(inputs, condition))

    def one_hot(self, classes: tf.Tensor) -> tf.Tensor:
        """Classes, int64 `[n]`, as rows of zeros and a one, float32 `[n, count]`."""
        assert isinstance(self.condition, conditioning.Classes)
        condition, known = self._known({"condition": classes})
        return _nan_unless(known, tf.one_hot(condition["condition"], self.condition.count))

    def _known(
        self, condition: ConditionTensors | None
    ) -> tuple[ConditionTensors, tf.Tensor | None]:
        """A condition that the model has, and in which rows it is the one given (None: in all).

        An operation that fails would also fail the requests of others in the same batch.
        """
        condition = condition or {}
        if not isinstance(self.condition, conditioning.Classes) or "condition" not in condition:
            return condition, None
        classes = tf.ensure_shape(condition["condition"], [None])
        known = (classes >= 0) & (classes < self.condition.count)
        return {**condition, "condition": tf.where(known, classes, 0)}, known

    def metadata(self) -> dict[str, Any]:
        """The metadata of every artifact, as JSON can hold it."""
        names = {kind: name for name, kind in priors.NAMES.items()}
        prior: dict[str, Any] = {"name": names.get(type(self.prior), type(self.prior).__name__)}
        if isinstance(self.prior, priors.Uniform):
            prior |= {"low": -priors.Uniform.HALF_WIDTH, "high": priors.Uniform.HALF_WIDTH}
        return {
            "format": METADATA_FORMAT,
            "package": {"name": "keras_gan", "version": keras_gan.__version__},
            "recipe": self.origin.get("recipe"),
            "weights": self.origin.get("weights"),
            "truncation": self.origin.get("truncation", 1.0),
            "prior": prior | self.prior.get_config(),
            "condition": self.condition and self.condition.describe(),
            "images": {
                "shape": list(self.shape),
                "range": [0.0, 1.0] if self.is_image else None,
                "preprocessing": self.preprocessing.get_config(),
            },
            "training": self.origin.get("training"),
            "numbers": self.origin.get("numbers"),
            "evaluation": self.origin.get("evaluation"),
        }


def _nan_unless(known: tf.Tensor | None, outputs: tf.Tensor) -> tf.Tensor:
    """The outputs, NaN in rows whose class the model does not have."""
    if known is None:
        return outputs
    rows = tf.reshape(known, [-1, *([1] * (outputs.shape.rank - 1))])
    return tf.where(rows, outputs, tf.constant(np.nan, outputs.dtype))


def _evaluation(run: keras_gan.Run, weights: str, truncation: float) -> dict[str, Any]:
    """The measurements of a run, and its numbers of these weights as people read them."""
    if "preset" in run.config:  # whose only weights, of any name, are its last ones
        weights = "last"
    file = run.path / "evaluation.json"
    if not file.is_file():
        return {}
    try:
        evaluation = json.loads(file.read_text(encoding="utf-8"))
        entry = evaluation.get(with_truncation(weights, truncation), {})
        measured = numbers(entry) if is_current(entry, run.epochs_done) else ()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise keras_gan.InputError(f"{file} cannot be read; evaluate the run again") from error
    shown = [
        {**dataclasses.asdict(one), "text": one.text, "floor_text": one.floor_text}
        for one in measured
    ]
    return {"evaluation": evaluation, "numbers": shown}
