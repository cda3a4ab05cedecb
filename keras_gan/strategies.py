"""The names of `--strategy` as `tf.distribute` strategies."""

from __future__ import annotations

import json
import os

import tensorflow as tf

from keras_gan.errors import InputError

NAMES = ("default", "one_device", "mirrored", "multi_worker", "tpu")


def make(name: str) -> tf.distribute.Strategy:
    """The strategy of that name on the devices of this machine.

    Args:
        name: "default" (TensorFlow's own placement), "one_device" (the first GPU, else the CPU),
            "mirrored" (all GPUs of this host, else all logical CPUs), "multi_worker" (cluster from
            TF_CONFIG) or "tpu" (cluster from the TPU's environment).

    Raises:
        InputError: The name is unknown, or what the strategy needs is missing.
    """
    if name not in NAMES:
        raise InputError(
            f"unknown strategy {name!r} for --strategy; choose from {', '.join(NAMES)}"
        )
    if name == "multi_worker":  # first: TensorFlow wants its collectives set up before all else
        _check_cluster(os.environ.get("TF_CONFIG", ""))
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "default":
        return tf.distribute.get_strategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if name == "one_device":
        return tf.distribute.OneDeviceStrategy(devices[0].name)
    if name == "mirrored":
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise InputError("--strategy tpu found no TPU; use mirrored on GPUs or CPUs") from error
    return tf.distribute.TPUStrategy(resolver)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes: the only one, or the first worker."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    resolver = strategy.cluster_resolver
    return resolver.task_type in (None, "chief") or not resolver.task_id


def _check_cluster(text: str) -> None:
    """Checks TF_CONFIG, which TensorFlow itself reads."""
    example = (
        '{"cluster": {"worker": ["host0:port", "host1:port"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    if not text:
        raise InputError(
            f"--strategy multi_worker needs the environment variable TF_CONFIG, such as {example}"
        )
    try:
        config = json.loads(text)
        workers, index = config["cluster"]["worker"], config["task"]["index"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"TF_CONFIG must look like {example}. Received: {text}") from None
    if not isinstance(index, int) or not 0 <= index < len(workers):
        raise InputError(
            f"TF_CONFIG names task {index!r}, but the cluster has {len(workers)} workers"
        )
