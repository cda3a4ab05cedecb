"""The signatures of an export: functions of named tensors, each with the batch as first dimension.

The same function is the artifact's graph and, run by Keras, the reference that the artifact is
compared with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from export.subject import Subject
from keras_gan import InputError, conditioning, randomness

NAMES = ("serving_default", "sample", "png", "encode", "inpaint", "classes", "discriminator")

_NEEDS = {
    "png": "is for images; this model generates {shape}",
    "encode": "needs a model with an inference network, as of the recipe digits_inference",
    "inpaint": "needs an inpainting model of images, as of the recipe digits_inpainting",
    "classes": "needs a model of classes, as of the recipe digits_conditional",
}

Tensors = dict[str, tf.Tensor]
Arrays = dict[str, np.ndarray]


def traced(
    function: Callable[..., Tensors], *specs: tf.TensorSpec, **named: tf.TensorSpec
) -> tf.types.experimental.ConcreteFunction:
    """A function as a graph, in which XLA compiles nothing.

    Keras compiles grouped convolutions by XLA, which TensorFlow Serving turns off and ONNX lacks.
    """

    def trace() -> tf.types.experimental.ConcreteFunction:
        return tf.function(function, autograph=False).get_concrete_function(*specs, **named)

    result = trace()
    called = result.graph.as_graph_def().library.function
    if not any(part.attr["_XlaMustCompile"].b for part in called):
        return result
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # those that are called become parts of the graph
    try:
        return trace()
    finally:
        tf.config.run_functions_eagerly(before)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A named function of tensors."""

    name: str
    inputs: Sequence[tf.TensorSpec]  # their names are the function's keywords
    function: Callable[..., Tensors]

    def graph(self) -> tf.types.experimental.ConcreteFunction:
        """The function as a graph."""
        return traced(self.function, **{spec.name: spec for spec in self.inputs})

    def reference(self, inputs: Arrays) -> Arrays:
        """The Keras model's outputs, computed on the CPU."""
        with tf.device("/CPU:0"):
            outputs = self.function(**{name: tf.constant(x) for name, x in inputs.items()})
        return {name: output.numpy() for name, output in outputs.items()}


def check_name(name: str) -> None:
    """Raises InputError if there is no signature of this name."""
    if name not in NAMES:
        raise InputError(f"unknown signature {name!r}; choose from {', '.join(NAMES)}")


def of(subject: Subject, names: Sequence[str] | None = None) -> list[Signature]:
    """The signatures of these names; None: all that fit the model but the discriminator."""
    available = _all(subject)
    if names is None:
        names = [name for name in available if name != "discriminator"]
    for name in names:
        if name not in available:
            raise InputError(f"signature {name!r} {_NEEDS[name].format(shape=subject.shape)}")
    return [available[name] for name in dict.fromkeys(names)]


def _all(subject: Subject) -> dict[str, Signature]:
    examples = "images" if subject.is_image else "examples"
    latents = tf.TensorSpec([None, subject.prior.dimension], tf.float32, "latents")
    seed = tf.TensorSpec([None], tf.int64, "seed")
    given = tf.TensorSpec([None, *subject.shape], tf.float32, examples)
    # A generator that draws noise takes seeds for it.
    noise = [tf.TensorSpec([None], tf.int64, "noise_seed")] if subject.noisy else []
    condition = _condition_specs(subject, subject.generator)

    def generate(latents, noise_seed=None, **condition):
        return subject.generate(latents, noise_seed, condition)

    def serving_default(**inputs):
        return {examples: generate(**inputs)}

    def sample(seed, **condition):
        latents = subject.draw(seed)
        return {examples: subject.generate(latents, seed, condition), "latents": latents}

    def png(**inputs):
        images = generate(**inputs)
        absent = tf.reduce_any(tf.math.is_nan(images), axis=[1, 2, 3])
        pixels = tf.where(tf.math.is_nan(images), 0.0, images)
        levels = tf.round(tf.clip_by_value(pixels, 0.0, 1.0) * 255.0)  # a cast wraps around
        files = tf.io.encode_png(tf.cast(levels, tf.uint8))
        return {"image_bytes": tf.where(absent, "", files)}

    def discriminator(**inputs):
        logits = subject.discriminate(inputs.pop(examples), inputs)
        return {"logits": logits, "probabilities": tf.sigmoid(logits)}

    def encode(**inputs):
        return {"latents": subject.encode(inputs.pop(examples), inputs)}

    def inpaint(images, mask, latents, **noise):
        known = tf.where(mask, subject.preprocessing.normalize(images), 0.0)
        filled = generate(latents, **noise, known=known, mask=mask)
        return {"images": tf.where(mask, images, filled)}

    available = [
        Signature("serving_default", [latents, *noise, *condition], serving_default),
        Signature("sample", [seed, *condition], sample),
    ]
    if subject.is_image and subject.shape[-1] in (1, 2, 3, 4):
        available.append(Signature("png", [latents, *noise, *condition], png))
    inputs = [given, *_condition_specs(subject, subject.discriminator)]
    available.append(Signature("discriminator", inputs, discriminator))
    if subject.encoder is not None:
        inputs = [given, *_condition_specs(subject, subject.encoder.network)]
        available.append(Signature("encode", inputs, encode))
    if isinstance(subject.condition, conditioning.Inpainting) and subject.is_image:
        mask = tf.TensorSpec([None, *subject.shape[:2], 1], tf.bool, "mask")
        available.append(Signature("inpaint", [given, mask, latents, *noise], inpaint))
    if isinstance(subject.condition, conditioning.Classes):
        spec = tf.TensorSpec([None], tf.int64, "condition")

        def classes(condition):  # whose output's shape tells clients how many classes there are
            return {"one_hot": subject.one_hot(condition)}

        available.append(Signature("classes", [spec], classes))
    return {signature.name: signature for signature in available}


def _condition_specs(subject: Subject, network: keras.Model) -> list[tf.TensorSpec]:
    """The condition's tensors that are inputs of the network.

    As the condition gives them: Keras fits them to inputs of another type or one more dimension.
    """
    given = subject.trial_condition(tf.constant(randomness.row_seeds(0, 1)))
    return [
        tf.TensorSpec([None, *given[name].shape[1:]], given[name].dtype, name)
        for name in conditioning.condition_inputs(network)
    ]


def trial_inputs(subject: Subject, rows: int) -> Arrays:
    """Fixed inputs by name, for comparisons and for warming up."""
    seeds = [randomness.row_seeds(seed, rows) for seed in range(4)]
    latents = subject.draw(tf.constant(seeds[0]))
    condition = subject.trial_condition(tf.constant(seeds[3]))
    examples = subject.generate(latents, tf.constant(seeds[1]), condition).numpy()
    return {
        **{name: tensor.numpy() for name, tensor in condition.items()},
        "latents": latents.numpy(),
        "noise_seed": seeds[1],
        "seed": seeds[2],
        "images": examples,
        "examples": examples,
    }
