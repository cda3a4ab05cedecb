"""The names of `--strategy` as `tf.distribute` strategies."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.experiment import connecting

NAMES = ("default", "one_device", "mirrored", "multi_worker", "tpu")


def make(name: str) -> tf.distribute.Strategy:
    """The strategy of that name on the devices of this machine.

    Args:
        name: "default" (TensorFlow's own placement), "one_device" (the first GPU, else the CPU),
            "mirrored" (all GPUs of this host, else all logical CPUs), "multi_worker" (cluster from
            TF_CONFIG, else from Slurm's environment) or "tpu" (cluster from the TPU's environment).

    Raises:
        InputError: There is no such strategy, or its devices or its cluster are not as it needs.
        SurroundingsError: The workers of the cluster cannot be connected.
    """
    if name not in NAMES:
        raise InputError(
            f"unknown strategy {name!r} for --strategy; choose from {', '.join(NAMES)}"
        )
    if name == "multi_worker":  # first: TensorFlow wants its collectives set up before all else
        return connecting.connect()
    if name == "default":
        return tf.distribute.get_strategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if name == "one_device":
        return tf.distribute.OneDeviceStrategy(devices[0].name)
    if name == "mirrored":
        # CPUs of one process share their memory, and TensorFlow's collectives between them cannot
        # change their number within a process.
        on_cpus = devices[0].device_type == "CPU"
        return tf.distribute.MirroredStrategy(
            [device.name for device in devices],
            cross_device_ops=tf.distribute.ReductionToOneDevice() if on_cpus else None,
        )
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise InputError("--strategy tpu found no TPU; use mirrored on GPUs or CPUs") from error
    return tf.distribute.TPUStrategy(resolver)


def set_threads() -> None:
    """Gives each operation one thread, so that two run at the same time, where that is faster.

    That is on two cores without GPUs (docs/scaling.md, "CPUs"). Must be called before TensorFlow
    runs an operation. A user who sets TF_NUM_INTRAOP_THREADS decides.
    """
    if len(os.sched_getaffinity(0)) == 2 and not tf.config.list_physical_devices("GPU"):
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def hardware() -> dict[str, object]:
    """The hardware of this process: "processor", with its cores, and the names of the "gpus"."""
    cpus = Path("/proc/cpuinfo")  # of Linux
    found = re.search(r"model name\s*: (.+)", cpus.read_text() if cpus.exists() else "")
    name, cores = found[1] if found else platform.machine(), len(os.sched_getaffinity(0))
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return {"processor": f"{name}, {cores} core{'s' if cores > 1 else ''}", "gpus": gpus}
