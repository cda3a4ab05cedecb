"""Every private attribute of Keras and TensorFlow that keras_gan uses, written for Keras 3.15.

No public API does these jobs. `tests/test_keras_private.py` notices when one of them changes.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping

import keras

from keras_gan.core.errors import InputError, first_line


def all_layers(network: keras.Layer) -> list[keras.Layer]:
    """A network and its layers, also those inside of other layers and of subclassed models."""
    return list(network._flatten_layers())


class _Unseeded:
    """Stands for the generator of `keras.random` without a seed, and notes its use."""

    used = False

    def next(self, ordered: bool = True) -> keras.KerasTensor:
        self.used = True
        return keras.ops.zeros(2, "uint32")


@contextlib.contextmanager
def noting_unseeded_draws() -> Iterator[_Unseeded]:
    """Inside, `keras.random` without a seed draws the same numbers again, and that is noted."""
    from keras.src.backend.common import global_state

    name = "global_seed_generator"  # of this thread, as a replica has its own
    before, noted = global_state.get_global_attribute(name), _Unseeded()
    global_state.set_global_attribute(name, noted)
    try:
        yield noted
    finally:
        global_state.set_global_attribute(name, before)


@contextlib.contextmanager
def copying(network: keras.Layer, purpose: str) -> Iterator[None]:
    """Inside, a copy of a network is made from its configuration, whatever layers it has.

    They run here already: Keras need not refuse Lambda layers, nor know where classes come from.

    Raises:
        InputError: It cannot be made; `purpose` says what needs it.
    """
    from keras.src.saving import serialization_lib

    classes = {type(layer).__name__: type(layer) for layer in all_layers(network)}
    try:
        with serialization_lib.SafeModeScope(False), keras.saving.custom_object_scope(classes):
            yield
    except Exception as error:  # the code of users may fail in any way
        raise InputError(
            f"{purpose}: write `get_config` and `from_config` of {type(network).__name__} "
            f"({first_line(error)})"
        ) from error


def last_operation(tensor: keras.KerasTensor) -> keras.Operation | None:
    """The operation that returned a symbolic tensor, also inside of models and before a reshape.

    None for a tensor of unknown origin; a subclassed model is one operation.
    """
    while (history := getattr(tensor, "_keras_history", None)) is not None:
        operation, node, index = history
        if outputs := getattr(operation, "outputs", None):  # of a functional model
            tensor = outputs[index]
        elif type(operation).__name__ in ("Flatten", "Reshape"):
            tensor = operation._inbound_nodes[node].input_tensors[0]
        else:
            return operation
    return None


def slurm_hosts(text: str) -> list[str]:
    """The hosts of a list of Slurm's, such as "n[9-10]", in its order."""
    from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver

    return slurm_cluster_resolver.expand_hostlist(text)


def slurm_tasks(text: str) -> list[int]:
    """The numbers of tasks on each host, written such as "2(x3),1"."""
    from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver

    return slurm_cluster_resolver.expand_tasks_per_node(text)


def set_cardinality(dataset, steps: int) -> None:
    """Tells Keras the number of batches of a distributed data set, by which it plans an epoch."""
    dataset._cardinality = steps


@contextlib.contextmanager
def freeing_graphs() -> Iterator[None]:
    """Frees graphs that are traced inside with their functions; no gradient of them is taken later.

    TensorFlow keeps every custom gradient of a traced function for good, and with it the graph.
    Sums over replicas have one, which Keras's optimizers compute on a single device too. Custom
    gradients of others stay: their functions may be used elsewhere.
    """
    from tensorflow.python.framework import ops

    known = ops.gradient_registry._registry
    before = len(known)
    try:
        yield
    finally:
        for name in list(known)[before:]:
            if name.startswith("CustomGradient-"):
                module = _custom_gradient(known[name]["type"]).__module__
                if module.startswith(("tensorflow.python.distribute.", "keras_gan.")):
                    del known[name]


def _custom_gradient(registered: Callable) -> Callable:
    """The function of a custom gradient, inside of those that `tf.custom_gradient` registers."""
    for name in ("tape_grad_fn", "grad_fn"):
        registered = inspect.getclosurevars(registered).nonlocals.get(name, registered)
    return registered


def limit_waiting(jobs: Mapping[str, int], *, connecting: float, silent: float) -> None:
    """Limits how long TensorFlow waits for the workers of a cluster.

    Args:
        jobs: The number of tasks of each job, "chief" and "worker"; the chief's comes first.
        connecting: Seconds until all must be connected; TensorFlow's default is an hour.
        silent: Seconds after which a connected worker that sends nothing is lost; TensorFlow's
            default is 10.
    """
    from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
    from tensorflow.python.eager import context

    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=f"/job:{next(iter(jobs))}/replica:0/task:0",
        cluster_register_timeout_in_ms=round(1000 * connecting),
        heartbeat_timeout_in_ms=round(1000 * silent),
        coordinated_jobs=[
            coordination_config_pb2.CoordinatedJob(name=job, num_tasks=count)
            for job, count in jobs.items()
        ],
    )
