"""The parts of `GAN.fit` around Keras's own loop."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections import ChainMap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_gan.conditioning import ClassRange, LabelCheck
from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers
from keras_gan.optimizers.schedules import counting_images
from keras_gan.training import compile_checks
from keras_gan.training.context import of_labels
from keras_gan.training.input_checks import checked_array, checked_labels, input_error
from keras_gan.training.input_pipeline import evaluation_data
from keras_gan.training.progress import ProgressLine
from keras_gan.training.streams import SizedStream, Stream

if TYPE_CHECKING:
    from keras_gan.training.gan import GAN

_log = logging.getLogger("keras_gan")


class StreamCallback(keras.callbacks.Callback):
    """Starts each epoch of the stream at the model's step, and counts the dropped examples.

    Args:
        gan: The model.
        stream: Its data.
        reads_all: True if an epoch reads the stream to its end.
        initial_step: Steps of the first epoch that were made before; its means continue.
    """

    def __init__(self, gan: GAN, stream: Stream, reads_all: bool, initial_step: int):
        super().__init__()
        self._stream = stream
        self._reads_all = reads_all
        self._steps_made = initial_step
        of_metrics = (v for metric in gan.user_metrics for v in metric.variables)
        means = [gan.running_means.totals, *of_metrics] if initial_step else []
        self._means = [(variable, variable.value.read_value()) for variable in means]
        _, _, self._constants = gan._made_for  # of `trace_again_if_changed`
        self._checked = False

    def on_epoch_begin(self, epoch, logs=None):
        """Tells the stream where the epoch starts."""
        self._first_step = int(self.model.current_step.numpy())
        self._stream.begin_epoch(self._first_step, self._steps_made)
        for variable, value in self._means:  # Keras has just reset them
            variable.assign(value)
        self._steps_made, self._means = 0, []
        self._checked = False

    def on_train_batch_end(self, batch, logs=None):
        """Checks in the first call of each epoch that no number of Python's was changed."""
        if not self._checked:
            self._check_constants()
        self._checked = True

    def on_epoch_end(self, epoch, logs=None):
        """Counts the examples that filled no step."""
        self._stream.end_epoch()
        self._check_constants()
        gan = self.model
        if int(gan.current_step.numpy()) == self._first_step:
            raise InputError(
                f"the data set holds less than one step takes: {gan.discriminator_steps} "
                f"(`discriminator_steps`) minibatches of {self._stream.minibatch}"
            )
        gan.dropped_examples = self._stream.dropped_examples() if self._reads_all else None
        if gan.dropped_examples:
            _log.info("epoch %d dropped %d examples that fill no step", epoch, gan.dropped_examples)

    def _check_constants(self) -> None:
        if self.model.run_eagerly:
            return
        now = constants(self.model)
        for key, value in self._constants.items():
            if now.get(key) is not value and now.get(key) != value:  # NaN is not equal to itself
                _, part, name = key
                raise InputError(
                    f"`{name}` of {part} was changed from {value} to {now.get(key)} during "
                    "training, where it is a constant: keep it in a keras.Variable, and `assign`"
                )


def constants(gan: GAN) -> dict[tuple[int, str, str], float]:
    """The numbers that a step has as constants: attributes of the model's parts and layers."""
    parts = [gan.prior, gan.condition, gan.ema, gan.loss, *gan.regularizers, *gan.user_metrics]
    networks = [*gan.networks, *([gan.augmentation] if gan.augmentation else [])]
    layers = [layer for network in networks for layer in all_layers(network)]
    return {
        (i, type(part).__name__, name): value
        for i, part in enumerate([*parts, *layers])
        for name, value in ChainMap(getattr(part, "__dict__", {}), vars(type(part))).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def check_numbers(
    epochs: Any, initial_epoch: Any, initial_step: Any, steps_per_epoch: Any, validation_freq: Any
) -> None:
    """Refuses arguments of `fit` that are no whole numbers."""
    whole("epochs", epochs, 0)
    whole("initial_epoch", initial_epoch, 0)
    whole("initial_step", initial_step, 0)
    if steps_per_epoch is not None:
        whole("steps_per_epoch", steps_per_epoch)
    if not isinstance(validation_freq, list):  # of epochs
        whole("validation_freq", validation_freq)


def check_calls(gan: GAN, name: str, steps: int | None) -> None:
    """Refuses steps that are no whole number of calls into the graph: more would be made."""
    if steps is not None and steps % gan.steps_per_execution:
        raise InputError(
            f"`{name}`={steps} must be a multiple of "
            f"`steps_per_execution`={gan.steps_per_execution}"
        )


def check_end(dataset: Any, name: str, steps: int | None) -> None:
    """Refuses to read data without end to their end."""
    if steps is None and dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise InputError(f"the data set has no end: give `{name}`")


def evaluation_set(
    gan: GAN, x: Any, y: Any, *, batch_size: int | None, **steps: int | None
) -> tf.data.Dataset:
    """Batches for `evaluate`, checked; `steps` is their number by the name of its argument."""
    [(name, number)] = steps.items()
    if number is not None:
        check_calls(gan, name, whole(name, number))
    dataset = evaluation_data(
        x,
        y,
        batch_size=batch_size,
        example_shape=gan.example_shape,
        label_check=gan.label_check,
    )
    check_end(dataset, name, number)
    return dataset


def check_steps(gan: GAN, stream: Stream, steps_per_epoch: int | None, initial_step: int) -> None:
    """Refuses numbers of steps that the stream cannot give."""
    if steps_per_epoch is not None and isinstance(stream, SizedStream):
        raise InputError("`steps_per_epoch` is for batches; an epoch of arrays is all of them")
    check_calls(gan, "steps_per_epoch", steps_per_epoch)
    if not isinstance(stream, SizedStream):
        check_end(stream.dataset(), "steps_per_epoch", steps_per_epoch)
    if initial_step and not (
        isinstance(stream, SizedStream) and initial_step < stream.steps_per_epoch
    ):
        raise InputError(
            "`initial_step` is a step within an epoch of arrays or shards. Received: "
            f"initial_step={initial_step}"
        )


def check_minibatch(gan: GAN, size: int) -> None:
    """Refuses minibatches that do not divide among replicas, parts and groups of a condition."""
    replicas = gan.distribute_strategy.num_replicas_in_sync
    group = 1 if gan.condition is None else gan.condition.group
    least = replicas * gan.accumulate * group
    if size % least:
        raise InputError(
            f"a minibatch of {size} does not divide among {replicas} replicas"
            + (f" in {gan.accumulate} parts (`accumulate`)" if gan.accumulate > 1 else "")
            + (f" in groups of {group}" if group > 1 else "")
            + f"; use a multiple of {least}"
        )


def trace_again_if_changed(gan: GAN, minibatch: int) -> None:
    """Forgets the traced step where it had other numbers, or trained other weights.

    Raises:
        InputError: The optimizers were made for other weights.
    """
    trained = [[id(v) for v in network.trainable_variables] for network in gan.networks]
    for optimizer, network, now, before in zip(
        _optimizers(gan), gan.networks, trained, gan._compiled_for, strict=True
    ):
        # Keras gives averages to weights by their order.
        averages = any(one.use_ema for one in compile_checks.with_inner(optimizer))
        if not set(now) <= set(before) or (averages and len(now) < len(before)):
            raise InputError(
                f"weights of {network.name!r} were frozen or unfrozen (`trainable`) after "
                "`compile`, which its optimizer cannot follow: call `compile` again"
            )
    gan._rows = minibatch // gan.distribute_strategy.num_replicas_in_sync * gan.discriminator_steps
    made_for = gan._rows, trained, constants(gan)
    if gan._made_for and gan._made_for != made_for:
        gan.train_function = gan.test_function = None  # they are constants in it
    gan._made_for = made_for


def refuse_weights(*weights: Any) -> None:
    """Refuses weights of examples or classes."""
    if any(weight is not None for weight in weights):
        raise InputError("weights of samples and classes are not used by GAN; leave them out")


def refuse_unknown(arguments: dict[str, Any]) -> None:
    """Refuses arguments of Keras's `fit` that a GAN has no use for."""
    refuse_weights(arguments.pop("sample_weight", None), arguments.pop("class_weight", None))
    compile_checks.refuse_unknown("fit()", arguments)


def batch_in_memory(
    gan: GAN, x: Any, y: Any, *weights: Any, trains: bool = True
) -> tuple[Any, Any]:
    """Examples and labels of one step, checked; `weights` of examples or classes are refused."""
    if not gan.compiled:
        raise InputError("call `compile` first")
    refuse_weights(*weights)
    x = checked_array(x, gan.example_shape)
    y = of_labels(tf.constant, checked_labels(y, len(x), gan.label_check))
    x = tf.constant(x)  # an eager step slices it, and its rows go into tapes
    if not trains:
        return x, y
    size, rest = divmod(len(x), gan.discriminator_steps)
    if rest:
        raise InputError(
            f"a batch has {gan.discriminator_steps} (`discriminator_steps`) minibatches. "
            f"Received: {len(x)} examples"
        )
    check_minibatch(gan, size)
    return x, y


@contextlib.contextmanager
def around_loop(gan: GAN, steps: int | None) -> Iterator[None]:
    """Surrounds Keras's own loop.

    What a check of the data reports from within TensorFlow is an `InputError`. The end of a data
    set of unknown length, where no number of `steps` is given, is no warning. Callbacks can read
    schedules of images, such as an optimizer's `learning_rate`.
    """
    with warnings.catch_warnings(), counting_images(gan.images_seen):
        if steps is None:
            warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
        try:
            yield
        except tf.errors.OpError as error:
            fault = input_error(error)
            if fault is None:
                raise
            raise fault from None


def progress(verbose: int | str, initial_step: int) -> list[keras.callbacks.Callback]:
    """The callback that shows the progress line, if any is asked for."""
    return [ProgressLine(verbose, initial_step)] if verbose else []


def with_loss_scale(optimizer: keras.Optimizer) -> keras.Optimizer:
    """The optimizer with a dynamic loss scale, as Keras gives one to `model.optimizer`."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")


def finalize_optimizers(gan: GAN) -> None:
    """Sets weights to the averages of optimizers with `use_ema=True`, as Keras does after `fit`."""
    for optimizer, network in zip(_optimizers(gan), gan.networks, strict=True):
        if int(optimizer.iterations.numpy()):  # before the first update averages are 0
            optimizer.finalize_variable_values(network.trainable_variables)


def _optimizers(gan: GAN) -> list[keras.Optimizer]:
    return [gan.generator_optimizer, gan.discriminator_optimizer, *gan.auxiliary_optimizers]


def label_check(gan: GAN) -> LabelCheck | None:
    """The check of labels, if the condition, the loss, a regularizer or a metric uses them."""
    if gan.condition is not None and gan.condition.label_check is not None:
        return gan.condition.label_check
    if not gan.compiled:
        return None
    parts = [gan.loss, *gan.regularizers, *gan.running_means.user_metrics]
    users = [part for part in parts if getattr(part, "uses_labels", False)]
    if not users:
        return None
    user = f"{'the loss ' if users[0] is gan.loss else ''}{type(users[0]).__name__}"
    if "classes" in getattr(users[0], "requires", ()):
        classes = gan.discriminator_outputs["classes"][-1]
        return ClassRange(classes, least=-1, user=user)
    return LabelCheck(user)
