"""Checks in `compile` and `fit`: each error is one line that says what to do instead."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_gan.conditioning import condition_inputs
from keras_gan.core.arguments import defines
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers
from keras_gan.layers.batch_features import exchanges_rows
from keras_gan.losses import Loss
from keras_gan.regularizers import Regularizer
from keras_gan.training.metrics import REPORTED
from keras_gan.training.saved_variables import seed_states, variables_of

if TYPE_CHECKING:
    from keras_gan.training.gan import GAN

# Names that other GAN code for Keras uses, and ours.
_OTHER_NAMES = {
    "d_optimizer": "discriminator_optimizer",
    "g_optimizer": "generator_optimizer",
    "disc_optimizer": "discriminator_optimizer",
    "gen_optimizer": "generator_optimizer",
    "optimizer": "generator_optimizer` and `discriminator_optimizer",
    "loss_fn": "loss",
    "d_loss_fn": "loss",
    "g_loss_fn": "loss",
    "latent_dim": "prior=keras_gan.priors.Normal(latent_dim)",
    "gp_weight": "regularizers=[...]",
    "d_steps": "discriminator_steps",
    "discriminator_extra_steps": "discriminator_steps",
    "d_model": "discriminator",
    "g_model": "generator",
    "averaging": "ema",
    "validation_split": "validation_data=x[-n:]",
}
_CALLBACKS = {
    keras.callbacks.TerminateOnNaN: "use keras_gan.callbacks.StopOnNonFinite",
    keras.callbacks.LearningRateScheduler: "use keras_gan.callbacks.LearningRateScheduler, or "
    "give the optimizers schedules",
    keras.callbacks.ReduceLROnPlateau: "give the optimizers schedules, for example "
    "keras_gan.optimizers.schedules.Cosine",
    keras.callbacks.SwapEMAWeights: "make the model with `ema=0.999` and use `gan.ema_generator`",
}


def refuse_unknown(where: str, unknown: Mapping[str, Any]) -> None:
    """Refuses arguments that are unknown here, naming ours where they are common elsewhere."""
    for name in unknown:
        ours = _OTHER_NAMES.get(name)
        advice = f"; here it is `{ours}`" if ours else ""
        raise TypeError(f"{where} got an unexpected argument `{name}`{advice}")


def check_callbacks(callbacks: Iterable[Any]) -> None:
    """Refuses Keras's callbacks that need one loss or one optimizer; losses are to get smaller."""
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise InputError(
                f"`callbacks` must be keras.callbacks.Callback objects. Received: {callback!r}"
            )
        if getattr(callback, "write_steps_per_second", False):
            raise InputError(
                "keras.callbacks.TensorBoard reads the steps per second from a model's one "
                "optimizer; leave out `write_steps_per_second`"
            )
        for kind, advice in _CALLBACKS.items():
            if isinstance(callback, kind):
                raise InputError(
                    f"keras.callbacks.{kind.__name__} needs a model with one loss and one "
                    f"optimizer; a GAN has two: {advice}"
                )
        if hasattr(callback, "monitor_op") and callback.mode == "auto":
            if callback.monitor.endswith("_loss"):
                callback.mode = "min"  # Keras knows the direction of its own losses only
            elif callback.monitor != "loss":  # it would say so after the first epoch
                raise InputError(
                    f"{type(callback).__name__} cannot know whether a large or a small "
                    f"{callback.monitor!r} is better: give `mode='max'` or `mode='min'`"
                )


def check_metrics(metrics: Iterable[Any]) -> None:
    """Refuses names, and Keras's own metrics, which take labels and predictions."""
    for metric in metrics:
        known = isinstance(metric, keras.metrics.Metric)
        if not known or type(metric).__module__.startswith("keras."):
            raise InputError(
                "`metrics` of a GAN are keras.metrics.Metric objects of your own, whose "
                "`update_state(real, fake)` gets D's outputs; Keras's take labels and predictions. "
                f"Received: {metric!r}"
            )


def check_given(optimizers: list[Any], gan: GAN) -> None:
    """Refuses too few optimizers, or too many."""
    if None in optimizers[:2]:
        raise InputError("`generator_optimizer` and `discriminator_optimizer` must be given")
    if len(optimizers) != len(gan.networks):
        raise InputError(
            f"the model has {len(gan.auxiliary_networks)} auxiliary networks, each of which needs "
            f"one of `auxiliary_optimizers`. Received: {len(optimizers) - 2}"
        )
    for network in gan.networks:
        if not network.built:
            raise InputError(
                f"network {network.name!r} has no weights yet, which an optimizer needs to know: "
                "begin it with a keras.Input, or call it once"
            )


def check_optimizers(optimizers: list[Any], gan: GAN) -> None:
    """Refuses optimizers that cannot train networks together."""
    replicas = gan.distribute_strategy.num_replicas_in_sync
    if len(set(map(id, optimizers))) < len(optimizers):
        raise InputError("each network needs its own optimizer; two were given the same object")
    for optimizer, network in zip(optimizers, gan.networks, strict=True):
        check_scope(with_inner(optimizer), gan.distribute_strategy)
        if replicas > 1:
            if hasattr(optimizer, "optimizers"):
                optimizer.build(network.trainable_variables)  # a function is asked for them
            for one in with_inner(optimizer):
                _check_on_replicas(one, replicas, is_inner=one is not optimizer)


def with_inner(optimizer: Any) -> list[Any]:
    """An optimizer and those inside of it, as in `LossScaleOptimizer` and `MultiOptimizer`."""
    inner = getattr(optimizer, "inner_optimizer", None)
    parts = [*([] if inner is None else [inner]), *getattr(optimizer, "optimizers", ())]
    return [optimizer, *(one for part in parts for one in with_inner(part))]


def _check_on_replicas(optimizer: Any, replicas: int, is_inner: bool) -> None:
    """Refuses optimizers that Keras cannot use, or not with the numbers of one, on replicas."""
    if optimizer.gradient_accumulation_steps:
        raise InputError(
            f"{type(optimizer).__name__} accumulates gradients, which Keras cannot do on "
            f"{replicas} replicas; leave out `gradient_accumulation_steps`"
        )
    if optimizer.use_ema and optimizer.ema_overwrite_frequency:
        raise InputError(
            f"{type(optimizer).__name__} overwrites weights with their averages, which Keras "
            f"cannot do during training on {replicas} replicas; leave out "
            "`ema_overwrite_frequency`"
        )
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise InputError(
            "LossScaleOptimizer clips and checks the gradients of each replica by themselves, "
            f"so that {replicas} replicas would not equal one; leave it out"
        )
    if is_inner and (optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm):
        raise InputError(
            f"{type(optimizer).__name__} within another optimizer clips the gradients of each "
            f"replica by themselves, so that {replicas} replicas would not equal one; leave out "
            "`clipnorm`, `clipvalue` and `global_clipnorm`"
        )


def as_list(name: str, value: Any) -> list[Any]:
    """The value of an argument that is a list of objects; None is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list | tuple) or any(isinstance(part, type) for part in value):
        raise InputError(f"`{name}` must be a list of objects. Received: {value!r}")
    return list(value)


def check_loss(gan: GAN, loss: Loss) -> None:
    """Refuses a loss that needs what neither D nor the condition gives; warns of the reverse."""
    model = type(gan)
    own_step = getattr(model.train_step, "__module__", "") != "keras_gan.training.trainer"
    if model.compute_loss is not keras.Model.compute_loss and not own_step:
        raise InputError(
            f"`compute_loss` of {model.__name__} would never be called, as a GAN has two losses: "
            "write a subclass of keras_gan.losses.Loss, or a `train_step` that calls it"
        )
    discriminator_outputs, condition = gan.discriminator_outputs, gan.condition
    given = (*condition.names, *condition.training_names) if condition else ()
    known = {*discriminator_outputs, *given}
    if isinstance(loss.requires, str):
        raise InputError(
            f"`requires` of {type(loss).__name__} must be a tuple, such as ({loss.requires!r},). "
            f"Received: {loss.requires!r}"
        )
    missing = sorted({*loss.requires} - known)
    if missing:
        raise InputError(
            f"the loss {type(loss).__name__} requires {' and '.join(missing)}; this discriminator "
            f"and condition ({condition}) give only {' and '.join(sorted(known))}"
        )
    loss.check(discriminator_outputs, condition)
    if given and not condition_inputs(gan.discriminator) and not loss.requires:
        warnings.warn(
            f"the discriminator has no input {given[0]!r}, so that nothing teaches G the condition",
            stacklevel=4,
        )


def check_regularizers(regularizers: list[Any], discriminator: keras.Model) -> None:
    """Refuses regularizers without a method, or with the same name, or that D does not allow."""
    mixing = [layer for layer in all_layers(discriminator) if _mixes_rows(layer)]
    without_groups = [layer for layer in mixing if not getattr(layer, "group_gradients", False)]
    for regularizer in regularizers:
        if not isinstance(regularizer, Regularizer) or not regularizer.name:
            raise InputError(
                "`regularizers` must be objects with a `name` and a method `penalty(discriminate, "
                "real, fake)`, of subclasses of keras_gan.regularizers.Regularizer. "
                f"Received: {regularizer!r}"
            )
        defines(regularizer, Regularizer, "penalty", "generator_penalty")
        if not {*regularizer.input_gradients} <= {"real", "fake"}:
            raise InputError(
                f"`input_gradients` of {type(regularizer).__name__} must be a tuple of 'real', "
                f"'fake' or both. Received: {regularizer.input_gradients!r}"
            )
        of_generator = type(regularizer).generator_penalty
        if of_generator is not Regularizer.generator_penalty and not regularizer.uses_generator:
            raise InputError(
                f"`generator_penalty` of {type(regularizer).__name__} needs the class attribute "
                "`uses_generator = True`"
            )
        refused = mixing if regularizer.per_example else without_groups
        if refused and _per_example(regularizer):
            raise InputError(
                f"{type(regularizer).__name__} takes the gradient of each example, but layer "
                f"{refused[0].name!r} of the discriminator mixes the examples of a batch; use a "
                "discriminator without batch normalization, packing or minibatch statistics"
            )
    names = [regularizer.name for regularizer in regularizers]
    if len(set(names)) < len(names):
        raise InputError(f"regularizers need different names. Received: {names}")


def terms(
    auxiliary_networks: Iterable[Any], regularizers: Iterable[Any], metrics: Iterable[Any]
) -> list[str]:
    """Names of what a step reports of auxiliary networks and regularizers; all must differ."""
    found = [f"{auxiliary.name}_loss" for auxiliary in auxiliary_networks]
    found += [regularizer.name for regularizer in regularizers]
    others = [*REPORTED, "jsd_bound", "augmentation", *(metric.name for metric in metrics)]
    counts = collections.Counter([*found, *others])
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise InputError(
            f"two quantities would be reported as {twice[0]!r}: give the regularizer, metric or "
            "auxiliary network another name"
        )
    return found


def check_accumulate(gan: GAN, accumulate: int, parts: Sequence[Any]) -> None:
    """Refuses to process minibatches in parts where that would give other numbers.

    Args:
        gan: The model.
        accumulate: Number of parts.
        parts: The loss, the regularizers, the augmentation or None.
    """
    if accumulate == 1:
        return
    for network in gan.networks:
        for layer in all_layers(network):
            if _mixes_rows(layer):
                raise InputError(
                    f"with `accumulate` a network sees a part of the minibatch, but layer "
                    f"{layer.name!r} of {network.name!r} computes with all its rows; leave out "
                    "`accumulate`, or use a network without batch normalization, packing or "
                    "minibatch statistics"
                )
    drawing = [
        f"layer {layer.name!r} of {part.name!r}"
        for part in [*gan.networks, *(part for part in parts if isinstance(part, keras.Layer))]
        for layer in filter(_counts_calls, all_layers(part))
    ]
    drawing += [
        type(part).__name__
        for part in parts
        if isinstance(part, Loss | Regularizer) and seed_states([part])
    ]
    if drawing:
        raise InputError(
            f"with `accumulate` networks and losses are called once for each part, but what "
            f"{drawing[0]} draws depends on the number of calls; use the layers of keras_gan, such "
            "as keras_gan.layers.Dropout, or in parts of your own "
            "keras_gan.randomness.current_draws()"
        )
    for part in parts:
        if part is not None and part.uses_batch_means:
            raise InputError(
                f"{type(part).__name__} computes a mean or a maximum over the whole minibatch, "
                "which `accumulate` divides in parts; leave out one of the two"
            )


def _counts_calls(layer: keras.layers.Layer) -> bool:
    """Whether it is a layer of Keras's, or another's, that draws random numbers of its own."""
    ours = type(layer).__module__.startswith("keras_gan.")
    own = (isinstance(value, keras.random.SeedGenerator) for value in vars(layer).values())
    return not ours and any(own)


def _mixes_rows(layer: keras.layers.Layer) -> bool:
    batch_norm = isinstance(layer, keras.layers.BatchNormalization)
    return batch_norm or getattr(layer, "mixes_rows", False)


def check_execution(
    gan: GAN, jit_compile: bool | str, run_eagerly: bool, regularizers: Iterable[Regularizer] = ()
) -> None:
    """Refuses ways of running a step that networks, regularizers or replicas do not allow."""
    replicas = gan.distribute_strategy.num_replicas_in_sync
    layers = [(network, layer) for network in gan.networks for layer in all_layers(network)]
    if jit_compile is True:
        if run_eagerly:
            raise InputError("`jit_compile` and `run_eagerly` exclude each other")
        if replicas > 1:
            raise InputError(
                f"XLA cannot compile a step whose gradients are summed over {replicas} replicas; "
                "use jit_compile=False"
            )
        for network, layer in layers:
            if not layer.supports_jit:
                raise InputError(
                    f"XLA cannot compile layer {layer.name!r} of {network.name!r}; "
                    "use jit_compile=False"
                )
        if reason := wrong_under_xla(gan.discriminator, regularizers):
            raise InputError(f"{reason}; use jit_compile=False, or another layer")
    exchanging = any(map(exchanges_rows, all_layers(gan.discriminator)))
    for regularizer in regularizers:
        means = exchanging or regularizer.uses_batch_means
        if replicas > 1 and regularizer.every > 1 and means:
            raise InputError(
                f"{type(regularizer).__name__} with every={regularizer.every} computes with the "
                "rows of all replicas, which TensorFlow cannot do in some steps only; use every=1"
            )
    if replicas > 1 and uses_float16(gan):
        raise InputError(
            "mixed_float16 cannot scale its losses equally on several replicas; use mixed_bfloat16"
        )


def cannot_use_xla(gan: GAN, regularizers: Iterable[Regularizer]) -> bool:
    """Whether a step on several replicas, or its numbers, do not allow XLA."""
    replicas = gan.distribute_strategy.num_replicas_in_sync
    return replicas > 1 or bool(wrong_under_xla(gan.discriminator, regularizers))


def wrong_under_xla(discriminator: keras.Model, regularizers: Iterable[Regularizer]) -> str:
    """Why XLA would train with wrong numbers; empty if it does not."""
    pooling = [layer for layer in all_layers(discriminator) if _pools_maxima(layer)]
    penalties = [regularizer for regularizer in regularizers if _per_example(regularizer)]
    if not (pooling and penalties):
        return ""
    return (
        f"XLA computes the second derivative of max pooling wrong, which "
        f"{type(penalties[0]).__name__} needs of layer {pooling[0].name!r}"
    )


def _pools_maxima(layer: keras.layers.Layer) -> bool:
    ours = getattr(layer, "pools_maxima", False)
    return ours or isinstance(
        layer, keras.layers.MaxPooling1D | keras.layers.MaxPooling2D | keras.layers.MaxPooling3D
    )


def _per_example(regularizer: Regularizer) -> bool:
    """Whether it takes the gradient of each example."""
    return bool(regularizer.input_gradients or regularizer.per_example)


def uses_float16(gan: GAN) -> bool:
    """Whether a layer computes in float16, whose gradients need a loss scale."""
    return any(
        layer.compute_dtype == "float16"
        for network in gan.networks
        for layer in all_layers(network)
    )


def check_scope(parts: Iterable[Any], strategy: tf.distribute.Strategy) -> None:
    """Refuses networks and others whose variables are not of the strategy that trains them."""
    created = strategy.extended.variable_created_in_scope
    for part in parts:
        if not all(created(variable.value) for variable in variables_of([part])):
            is_network = isinstance(part, keras.Model)
            name = f"network {part.name!r}" if is_network else type(part).__name__
            raise InputError(
                f"{name} and the GAN must be made in the same scope: make both inside of "
                "`with strategy.scope():`"
            )
