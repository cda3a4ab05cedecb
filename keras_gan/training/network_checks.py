"""What two networks must be to play against each other."""

from __future__ import annotations

import keras

from keras_gan import conditioning
from keras_gan.conditioning import Condition
from keras_gan.core.errors import InputError, first_line
from keras_gan.priors import Prior


def check(
    generator: keras.Model,
    discriminator: keras.Model,
    prior: Prior,
    condition: Condition | None,
) -> tuple[tuple[int, ...], dict[str, tuple]]:
    """Looks whether G, D, the prior and the condition fit together; builds networks if need be.

    Returns:
        The shape of an example, and those of what D gives of a minibatch, by name ("logits", ...).

    Raises:
        InputError: They do not.
    """
    known: tuple[str, ...] = () if condition is None else condition.names
    for network in (generator, discriminator):
        for name in conditioning.condition_inputs(network):
            if name not in known:
                raise InputError(
                    f"{network.name!r} has a further input {name!r}, which is no part of the "
                    f"condition {condition!r}"
                )
    if condition is not None and not conditioning.condition_inputs(generator):
        raise InputError(
            f"the generator does not see the condition {condition!r}: it needs a further input "
            f"named {known[0]!r}"
        )
    latents = keras.KerasTensor((None, prior.dimension), "float32")
    try:
        examples = _symbolic(generator, latents)
    except ValueError as error:
        raise InputError(
            f"the generator does not take latents of shape [n, {prior.dimension}] from {prior}: "
            f"{first_line(error)}"
        ) from error
    if not isinstance(examples, keras.KerasTensor):
        raise InputError("the generator must return one tensor")
    if "float" not in examples.dtype:
        raise InputError(
            f"the generator returns {examples.dtype}: discrete examples have no gradient and "
            "cannot be generated"
        )
    shape = examples.shape[1:]
    if None in shape:
        raise InputError(f"the generator's examples need a fixed shape. Received: {examples.shape}")
    try:
        outputs = _symbolic(discriminator, keras.KerasTensor((None, *shape), "float32"))
    except ValueError as error:
        raise InputError(
            f"the discriminator does not take the generator's examples of shape "
            f"{shape}: "
            f"{first_line(error)}"
        ) from error
    judged = outputs if isinstance(outputs, dict) else {"logits": outputs}
    logits = judged.get("logits")
    if logits is None or logits.shape not in ((None,), (None, 1)):
        received = sorted(judged) if logits is None else logits.shape
        raise InputError(f"the discriminator must give logits [n, 1] or [n]. Received: {received}")
    ends = getattr(discriminator, "outputs", None) or []  # a subclassed model has none
    last = ends[0]._keras_history.operation if len(ends) == 1 else None
    if getattr(last, "activation", None) is keras.activations.sigmoid:
        raise InputError("the discriminator must give logits; leave out the sigmoid at its end")
    return tuple(shape), {name: tuple(tensor.shape) for name, tensor in judged.items()}


def _symbolic(network, first):
    return conditioning.call(network, first, conditioning.condition_inputs(network))
