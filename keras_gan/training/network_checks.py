"""Checks that two networks can be trained against each other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from keras_gan import conditioning
from keras_gan.conditioning import Classes, Codes, Condition
from keras_gan.core.arguments import defines
from keras_gan.core.errors import InputError, first_line
from keras_gan.core.keras_private import last_operation
from keras_gan.layers.batch_features import mixing_layers
from keras_gan.priors import Prior
from keras_gan.training.compile_checks import check_scope
from keras_gan.training.discriminate import refuse_probabilities
from keras_gan.training.saved_variables import attributes, variables_of

if TYPE_CHECKING:
    from keras_gan.training.gan import GAN


def check(
    generator: keras.Model,
    discriminator: keras.Model,
    prior: Prior,
    condition: Condition | None,
) -> tuple[tuple[int, ...], dict[str, tuple]]:
    """Checks that G, D, the prior and the condition fit together; builds networks if necessary.

    Returns:
        The shape of an example, and the shapes of D's outputs by name ("logits", ...).
    """
    if not isinstance(prior, Prior):
        raise InputError(f"`prior` must be one of keras_gan.priors. Received: {prior!r}")
    defines(prior, Prior, "from_bits", "draw")
    if condition is not None and not isinstance(condition, Condition):
        raise InputError(
            f"`condition` must be one of keras_gan.conditioning. Received: {condition!r}"
        )
    if condition is not None:
        defines(condition, Condition, "for_real")
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.layers.Layer):
            raise InputError(f"`{name}` must be a keras.Model. Received: {network!r}")
    _check_inputs(generator, discriminator, condition)
    shape = _example_shape(generator, prior)
    try:
        outputs = symbolic_call(discriminator, keras.KerasTensor((None, *shape), "float32"))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"the discriminator does not take the generator's examples of shape {shape}: "
            f"{first_line(error)}{_wrapping(discriminator, condition)}"
        ) from error
    if isinstance(outputs, list | tuple):
        raise InputError(
            "the discriminator must return logits [n, 1], or a dict of them and further outputs "
            f"such as {{'logits': ..., 'classes': ...}}. Received: {len(outputs)} outputs"
        )
    outputs = outputs if isinstance(outputs, dict) else {"logits": outputs}
    for name, output in outputs.items():
        if not isinstance(output, keras.KerasTensor):
            raise InputError(
                f"the discriminator's output {name!r} must be one tensor. Received: "
                f"{type(output).__name__}"
            )
    logits = outputs.get("logits")
    if logits is None or logits.shape not in ((None,), (None, 1)):
        received = sorted(outputs) if logits is None else logits.shape
        raise InputError(f"the discriminator must give logits [n, 1] or [n]. Received: {received}")
    operation = last_operation(logits)
    activation = getattr(operation, "activation", None)
    refuse_probabilities(getattr(activation, "__name__", type(operation).__name__))
    _check_separate(generator, discriminator, condition)
    return shape, {name: tuple(tensor.shape) for name, tensor in outputs.items()}


def check_parts(parts: Sequence[Any], gan: GAN) -> None:
    """Refuses state of the loss, regularizers and augmentation that replicas or files cannot keep.

    Layers of theirs that could learn, but that nothing trains, cause a warning.
    """
    check_scope(parts, gan.distribute_strategy)
    owners = {id(v): network for network in gan.networks for v in network.variables}
    for part in parts:
        for variable in variables_of([part]):
            if network := owners.get(id(variable)):
                raise InputError(
                    f"{type(part).__name__} holds the weight {variable.path!r} of "
                    f"{network.name!r}, of which a saved model would give it a copy that nothing "
                    "trains: read D's outputs (`real.outputs`), or compute the term in a layer of "
                    "the network and add it by `add_loss`"
                )
        for layer in attributes(part):
            if isinstance(layer, keras.Layer) and layer.trainable_variables:
                warnings.warn(
                    f"nothing trains layer {layer.name!r} of {type(part).__name__}: make it a part "
                    "of D, or say that it stays as it is by `trainable = False`",
                    stacklevel=4,
                )


def symbolic_call(network: keras.Model, first: keras.KerasTensor):
    """A network's symbolic output for its first input, with the other inputs it was made with."""
    return conditioning.call(network, first, conditioning.condition_inputs(network))


def _check_inputs(
    generator: keras.Model, discriminator: keras.Model, condition: Condition | None
) -> None:
    known: tuple[str, ...] = () if condition is None else condition.names
    for network in (generator, discriminator):
        for name, tensor in conditioning.condition_inputs(network).items():
            if name not in known:
                raise InputError(
                    f"{network.name!r} has a further input {name!r}, which the condition "
                    f"{condition!r} does not give. The latents of G and the examples of D must be "
                    "the first input; Keras sorts inputs that are a dict by name"
                )
            shape = tuple(tensor.shape[1:])
            if isinstance(condition, Classes) and shape not in ((), (1,)):
                raise InputError(
                    f"input {name!r} of {network.name!r} must be keras.Input((), dtype='int64'), a "
                    f"class number; the layer OneHot makes vectors of it. Received: shape {shape}"
                )
    if isinstance(condition, Codes) and conditioning.condition_inputs(discriminator):
        raise InputError(
            f"the discriminator must not take the codes of {condition!r}: it reads them off the "
            "samples"
        )
    if condition is not None and not conditioning.condition_inputs(generator):
        raise InputError(
            f"the generator does not take the condition {condition!r}: it needs a further input "
            f"named {known[0]!r}{_wrapping(generator, condition)}"
        )


def _wrapping(network: keras.Model, condition: Condition | None) -> str:
    """How a subclassed network gets an input for the condition; "" for any other network."""
    if condition is None or hasattr(network, "inputs"):
        return ""
    name = condition.names[0]
    return (
        f"; a subclassed model has no named inputs: give keras.Model([x, {name}], "
        f"model([x, {name}])) of inputs such as {name} = keras.Input(..., name={name!r})"
    )


def _check_separate(
    generator: keras.Model, discriminator: keras.Model, condition: Condition | None
) -> None:
    """Refuses networks with common weights, and a D that compares rows of a group."""
    of_generator = {id(variable) for variable in generator.trainable_variables}
    common = [v.path for v in discriminator.trainable_variables if id(v) in of_generator]
    if common:
        raise InputError(
            f"G and D share the weight {common[0]!r}: an update of one would change the other"
        )
    mixing = mixing_layers(discriminator)
    if mixing and condition is not None and condition.group > 1:
        raise InputError(
            f"layer {mixing[0].name!r} of the discriminator compares rows, but generated rows come "
            f"in groups of {condition.group} with one condition ({condition!r}), and so would be "
            "recognized by that alone; leave out the layer"
        )


def _example_shape(generator: keras.Model, prior: Prior) -> tuple[int, ...]:
    try:
        examples = symbolic_call(generator, keras.KerasTensor((None, prior.dimension), "float32"))
    except ValueError as error:
        raise InputError(
            "the generator, the first argument of GAN, does not take latents of shape "
            f"[n, {prior.dimension}] from {prior}: "
            f"{first_line(error)}"
        ) from error
    if not isinstance(examples, keras.KerasTensor):
        raise InputError("the generator must return one tensor")
    if "float" not in examples.dtype:
        raise InputError(
            f"the generator returns {examples.dtype}: discrete examples have no gradient and "
            "cannot be generated"
        )
    shape = tuple(examples.shape[1:])
    if None in shape:
        raise InputError(f"the generator's examples need a fixed shape. Received: {examples.shape}")
    return shape
