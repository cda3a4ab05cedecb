"""The signatures of an export: functions of named tensors, each with the batch as first dimension.

The same function is the graph of the artefact and, run by Keras here, the reference that the
artefact is compared with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from export.subject import Subject
from keras_gan import InputError
from keras_gan.conditioning import Inpainting, condition_inputs
from keras_gan.core.randomness import row_seeds

NAMES = ("serving_default", "sample", "png", "encode", "complete", "discriminator")

_NEEDS = {
    "png": "is for images; this model makes {shape}",
    "encode": "needs a model with an inference network, as the recipe digits_inference has one",
    "complete": "needs a model of completion, as the recipe digits_completion makes one",
}

Tensors = dict[str, tf.Tensor]
Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Signature:
    """A named function of tensors.

    Attributes:
        name: Its name in the artefact.
        inputs: Specifications of its inputs; their names are its keywords.
        function: From tensors to named tensors.
    """

    name: str
    inputs: Sequence[tf.TensorSpec]
    function: Callable[..., Tensors]

    def graph(self) -> tf.types.experimental.ConcreteFunction:
        """The function as a graph."""
        specs = {spec.name: spec for spec in self.inputs}
        return tf.function(self.function, autograph=False).get_concrete_function(**specs)

    def reference(self, inputs: Arrays) -> Arrays:
        """What Keras computes, on the CPU."""
        with tf.device("/CPU:0"):
            outputs = self.function(**{name: tf.constant(x) for name, x in inputs.items()})
        return {name: output.numpy() for name, output in outputs.items()}


def check_name(name: str) -> None:
    """Raises InputError if there is no signature of this name."""
    if name not in NAMES:
        raise InputError(f"unknown signature {name!r}; choose from {', '.join(NAMES)}")


def of(subject: Subject, names: Sequence[str] | None = None) -> list[Signature]:
    """The signatures of these names.

    Args:
        subject: The model.
        names: Some of `NAMES`, or None for all that fit the model but the discriminator.

    Raises:
        InputError: There is no such signature, or it does not fit the model.
    """
    made = _all(subject)
    if names is None:
        names = [name for name in made if name != "discriminator"]
    for name in names:
        check_name(name)
        if name not in made:
            raise InputError(f"signature {name!r} {_NEEDS[name].format(shape=subject.shape)}")
    return [made[name] for name in dict.fromkeys(names)]


def _all(subject: Subject) -> dict[str, Signature]:
    examples = "images" if subject.is_image else "examples"
    latents = tf.TensorSpec([None, subject.prior.dimension], tf.float32, "latents")
    # A generator with noise inside takes seeds for it.
    noise = [tf.TensorSpec([None], tf.int64, "noise_seed")] if subject.noisy else []
    conditions_of_g = _conditions(subject.generator)
    conditions_of_d = _conditions(subject.discriminator)

    def generate(latents, noise_seed=None, **parts):
        return subject.generate(latents, noise_seed, parts)

    def serving_default(**inputs):
        return {examples: generate(**inputs)}

    def sample(seed, **parts):
        drawn = subject.draw(seed)
        return {examples: subject.generate(drawn, seed, parts), "latents": drawn}

    def png(**inputs):
        levels = tf.round(generate(**inputs) * 255.0)
        return {"image_bytes": tf.io.encode_png(tf.cast(levels, tf.uint8))}

    def discriminator(**inputs):
        logits = subject.judge(inputs.pop(examples), inputs)
        return {"logits": logits, "probabilities": tf.sigmoid(logits)}

    seed = tf.TensorSpec([None], tf.int64, "seed")
    judged = tf.TensorSpec([None, *subject.shape], tf.float32, examples)
    found = [
        Signature("serving_default", [latents, *noise, *conditions_of_g], serving_default),
        Signature("sample", [seed, *conditions_of_g], sample),
        Signature("discriminator", [judged, *conditions_of_d], discriminator),
    ]
    if subject.is_image and subject.shape[-1] in (1, 2, 3, 4):
        found.insert(2, Signature("png", [latents, *noise, *conditions_of_g], png))
    if subject.encoder is not None:

        def encode(**inputs):
            return {"latents": subject.encode(inputs.pop(examples), inputs)}

        seen = _conditions(subject.encoder.network)
        found.append(Signature("encode", [judged, *seen], encode))
    if isinstance(subject.condition, Inpainting):

        def complete(images, mask, latents, **noise):
            known = subject.preprocessing.normalize(images)
            parts = {"known": tf.where(mask, known, 0.0), "mask": mask}
            painted = generate(latents, **noise, **parts)
            return {"images": tf.where(mask, images, painted)}

        mask = tf.TensorSpec([None, *subject.shape[:2], 1], tf.bool, "mask")
        found.append(Signature("complete", [judged, mask, latents, *noise], complete))
    return {signature.name: signature for signature in found}


def _conditions(network: keras.Model) -> list[tf.TensorSpec]:
    """The parts of a condition that the network sees, as inputs."""
    return [
        tf.TensorSpec(tensor.shape, tensor.dtype, name)
        for name, tensor in condition_inputs(network).items()
    ]


def trial_inputs(subject: Subject, rows: int) -> Arrays:
    """Fixed inputs by name, for comparisons and for warming up."""
    latents = subject.draw(tf.constant(row_seeds(0, rows)))
    noise_seed = row_seeds(1, rows)
    parts = subject.trial_condition(tf.constant(row_seeds(3, rows)))
    examples = subject.generate(latents, tf.constant(noise_seed), parts).numpy()
    return {
        **{name: part.numpy() for name, part in parts.items()},
        "latents": latents.numpy(),
        "noise_seed": noise_seed,
        "seed": row_seeds(2, rows),
        "images": examples,
        "examples": examples,
    }
