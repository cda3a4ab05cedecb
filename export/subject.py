"""What is exported: a generator and all that belongs to its meaning."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan import conditioning
from keras_gan.conditioning import NO_CONDITION, Classes, Condition, ConditionTensors, Inpainting
from keras_gan.core.randomness import RowDraws, normal, uniform
from keras_gan.data import Identity, Preprocessing
from keras_gan.data import preprocessing as preprocessings
from keras_gan.experiment.run import Run
from keras_gan.priors import NAMES, Prior, Uniform
from keras_gan.training.inference import Inference, among

METADATA_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Subject:
    """A generator, ready for export.

    Attributes:
        generator: From latents float `[n, prior.dimension]` to examples `[n, ...]` on the networks'
            scale.
        discriminator: From examples to logits, as `keras_gan.GAN` has it.
        prior: The prior of the latents.
        preprocessing: The scale of the networks, and the way back.
        condition: What the networks are conditioned on, or None.
        encoder: From examples on the networks' scale to latents, or None.
        origin: What else is known of the model, as JSON can hold it: recipe, weights, training,
            evaluation.
    """

    generator: keras.Model
    discriminator: keras.Model
    prior: Prior
    preprocessing: Preprocessing
    condition: Condition | None = None
    encoder: Inference | None = None
    origin: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_run(cls, run: Run, weights: str = "last") -> Self:
        """The subject of a finished run.

        Networks trained in mixed precision have float32 weights, and are exported in float32.

        Args:
            run: The run.
            weights: One of `keras_gan.experiment.run.WEIGHTS`.

        Raises:
            keras_gan.InputError: The run has no such weights, or its evaluation cannot be read.
        """
        gan = run.gan()
        encoder = among(gan.auxiliary_networks)
        if encoder is not None:
            encoder = Inference(_in_precision(encoder.network, "float32"), encoder.prior)
        identity = run.identity
        training = {
            "data": identity["dataset"],
            "fingerprint": identity["data"],
            "provenance": run.config["provenance"],
            "epochs": run.epochs_done,
            "seed": identity["seed"],
            "versions": run.config["versions"],
        }
        origin = {
            "recipe": identity["recipe"],
            "weights": run.config.get("pretrained", {}).get("weights", weights),
            "training": training,
            "evaluation": _evaluation(run),
        }
        return cls(
            _in_precision(run.generator(weights), "float32"),
            _in_precision(gan.discriminator, "float32"),
            gan.prior,
            preprocessings.from_config(run.config["preprocessing"]),
            gan.condition,
            encoder,
            _without_absolute_paths(origin),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.generator.output_shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether examples are images in [0, 1], rather than points of any scale."""
        return len(self.shape) == 3 and not isinstance(self.preprocessing, Identity)

    @property
    def noisy(self) -> bool:
        """Whether the generator draws noise of its own while sampling."""
        return any(getattr(layer, "sampling", False) for layer in self.generator._flatten_layers())

    def in_float16(self) -> Self:
        """The same model with the generator's weights and arithmetic in float16."""
        return dataclasses.replace(self, generator=_in_precision(self.generator, "float16"))

    def draw(self, seeds: tf.Tensor) -> tf.Tensor:
        """Latents from the prior, float32 `[n, d]`.

        Args:
            seeds: int64 `[n]`; row `i` depends on `seeds[i]` alone.
        """
        return self.prior.draw(RowDraws(seeds))

    def trial_condition(self, seeds: tf.Tensor) -> ConditionTensors:
        """Conditions to try the model on; standard normal where it has none of its own to draw."""
        if self.condition is None:
            return {}
        draws = RowDraws(seeds)
        if isinstance(self.condition, Inpainting):  # whose own samples know nothing
            return self.condition.for_real(uniform(draws.bits(self.shape)), None, draws)
        try:
            return self.condition.draw(draws)
        except keras_gan.InputError:
            return {
                name: normal(draws.bits(tensor.shape[1:]))
                for name, tensor in conditioning.condition_inputs(self.generator).items()
            }

    def generate(
        self,
        latents: tf.Tensor,
        noise_seed: tf.Tensor | None = None,
        parts: ConditionTensors = NO_CONDITION,
    ) -> tf.Tensor:
        """Examples in [0, 1] (points: on their own scale), float32 `[n, ...]`.

        Args:
            latents: float32 `[n, d]`.
            noise_seed: int64 `[n]`, the seeds of the generator's own noise.
            parts: The condition's parts that the generator sees, `[n, ...]` each.
        """
        if noise_seed is None:
            noise_seed = tf.zeros(tf.shape(latents)[:1], tf.int64)
        parts = self._checked(parts)
        outputs = keras_gan.transform(self.generator, latents, noise_seed, parts)
        return self.preprocessing.denormalize(outputs)

    def judge(self, examples: tf.Tensor, parts: ConditionTensors = NO_CONDITION) -> tf.Tensor:
        """D's logits for examples as `generate` gives them, float32 `[n]`."""
        scaled = self.preprocessing.normalize(examples)
        outputs = conditioning.call(self.discriminator, scaled, self._checked(parts))
        logits = outputs["logits"] if isinstance(outputs, dict) else outputs
        return tf.reshape(tf.cast(logits, tf.float32), [-1])

    def encode(self, examples: tf.Tensor, parts: ConditionTensors = NO_CONDITION) -> tf.Tensor:
        """Latents of examples as `generate` gives them, float32 `[n, d]`."""
        assert self.encoder is not None
        return self.encoder.encode(self.preprocessing.normalize(examples), self._checked(parts))

    def _checked(self, parts: ConditionTensors) -> ConditionTensors:
        """The parts; in a graph, a class that the model does not have fails the whole request."""
        if not isinstance(self.condition, Classes) or "condition" not in parts:
            return parts
        classes, count = tf.ensure_shape(parts["condition"], [None]), self.condition.count
        words = f"condition must be classes from 0 to {count - 1}. Received:"
        good = tf.reduce_all((classes >= 0) & (classes < count))
        with tf.control_dependencies([tf.debugging.Assert(good, [words, classes])]):
            return {**parts, "condition": tf.identity(classes)}

    def metadata(self) -> dict[str, Any]:
        """What every artefact says of itself, as JSON can hold it."""
        names = {kind: name for name, kind in NAMES.items()}
        prior: dict[str, Any] = {"name": names.get(type(self.prior), type(self.prior).__name__)}
        if isinstance(self.prior, Uniform):
            prior |= {"low": -Uniform.HALF_WIDTH, "high": Uniform.HALF_WIDTH}
        return {
            "format": METADATA_FORMAT,
            "package": {"name": "keras_gan", "version": keras_gan.__version__},
            "recipe": self.origin.get("recipe"),
            "weights": self.origin.get("weights"),
            "prior": prior | self.prior.get_config(),
            "condition": self.condition
            and {"name": type(self.condition).__name__.lower(), **self.condition.get_config()},
            "images": {
                "shape": list(self.shape),
                "range": [0.0, 1.0] if self.is_image else None,
                "preprocessing": self.preprocessing.get_config(),
            },
            "training": self.origin.get("training"),
            "evaluation": self.origin.get("evaluation"),
        }


def _evaluation(run: Run) -> Any:
    file = run.path / "evaluation.json"
    if not file.is_file():
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise keras_gan.InputError(f"{file} cannot be read; evaluate the run again") from error


def _in_precision(network: keras.Model, dtype: str) -> keras.Model:
    """The network with weights and arithmetic of this type; itself if it is so already."""
    layers = network._flatten_layers(include_self=False)
    if all(layer.compute_dtype == layer.variable_dtype == dtype for layer in layers):
        return network

    def clone(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": dtype})

    copy = keras.models.clone_model(network, clone_function=clone, recursive=True)
    with np.errstate(over="ignore"):  # parity shows what does not fit into float16
        copy.set_weights(network.get_weights())
    return copy


_ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:[^\s/;,:'\"]+/)*(?=[^\s/;,:'\"])")


def _without_absolute_paths(value: Any) -> Any:
    """The JSON value without the folders of absolute paths, the exporting machine's."""
    if isinstance(value, dict):
        return {key: _without_absolute_paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_absolute_paths(inner) for inner in value]
    return _ABSOLUTE.sub("", value) if isinstance(value, str) else value
