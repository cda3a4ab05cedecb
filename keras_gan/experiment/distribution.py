"""The names of `--strategy` as `tf.distribute` strategies; what their processes tell each other.

A run on several hosts is one process, a *worker*, on each. The first is the *chief*: it alone reads
and writes the run directory; the others learn from it what there is to do.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core.errors import InputError

NAMES = ("default", "one_device", "mirrored", "multi_worker", "tpu")
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:port", "host1:port"]}, "task": {"type": "worker", "index": 0}}'
)
_LONGEST_MESSAGE = 4096  # bytes


def make(name: str) -> tf.distribute.Strategy:
    """The strategy of that name on the devices of this machine.

    Args:
        name: "default" (TensorFlow's own placement), "one_device" (the first GPU, else the CPU),
            "mirrored" (all GPUs of this host, else all logical CPUs), "multi_worker" (cluster from
            TF_CONFIG, else from Slurm's environment) or "tpu" (cluster from the TPU's environment).
    """
    if name not in NAMES:
        raise InputError(
            f"unknown strategy {name!r} for --strategy; choose from {', '.join(NAMES)}"
        )
    if name == "multi_worker":  # first: TensorFlow wants its collectives set up before all else
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=_cluster())
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


class Workers:
    """What the processes of a run tell each other; with one process, nothing happens.

    Every worker must make the same calls in the same order.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        self.is_chief, workers = True, 1
        self._cluster = tf.train.ClusterSpec({})
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            self._cluster = resolver.cluster_spec()
            workers = max(1, sum(self._cluster.num_tasks(job) for job in self._cluster.jobs))
            first = "chief" if "chief" in self._cluster.jobs else "worker"
            self.is_chief = workers == 1 or (resolver.task_type, resolver.task_id) == (first, 0)
        self.alone = workers == 1
        self._replicas = strategy.num_replicas_in_sync // workers  # of each worker
        self._sum = tf.function(self._sum_over_replicas, reduce_retracing=True)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any worker."""
        return flag if self.alone else bool(self._sum([tf.constant(int(flag))])[0].numpy())

    def from_chief(self, text: str) -> str:
        """The chief's text, on every worker; what the others give is ignored."""
        if self.alone:
            return text
        code = text.encode()[:_LONGEST_MESSAGE] if self.is_chief else b""
        padded = np.frombuffer(code.ljust(_LONGEST_MESSAGE, b"\0"), np.uint8).astype(np.int32)
        (shared,) = self._sum([self._of_first_replica(tf.constant(padded))])
        return bytes(shared.numpy().astype(np.uint8)).rstrip(b"\0").decode(errors="ignore")

    def share(self, variables: Iterable[keras.Variable]) -> None:
        """Gives every worker the chief's values."""
        if self.alone:
            return
        variables = list(variables)
        values = [self._of_first_replica(v.value.read_value()) for v in variables]
        for variable, value in zip(variables, self._sum(values), strict=True):
            variable.assign(tf.cast(value, variable.dtype))

    def lost(self, error: tf.errors.OpError) -> str | None:
        """The worker of which an error says that it is gone, as "worker 1 (host:port)"."""
        if self.alone or "ollective" not in error.message:
            return None
        task = re.search(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)", error.message)
        if not task:
            return "another worker"
        job, index = task[1], int(task[2])
        return f"{job} {index} ({self._cluster.task_address(job, index)})"

    def _of_first_replica(self, value: tf.Tensor) -> tf.Tensor:
        # Collectives know few types of integers; the seeds of Keras's layers are uint32.
        value = tf.cast(value, tf.int64) if value.dtype.is_integer else value
        return value if self.is_chief else tf.zeros_like(value)

    def _sum_over_replicas(self, values: list[tf.Tensor]) -> list[tf.Tensor]:
        """Sums over workers; of a worker's replicas the first alone counts."""

        def one_replica(values):
            context = tf.distribute.get_replica_context()
            first = tf.equal(context.replica_id_in_sync_group % self._replicas, 0)
            mine = [tf.where(first, value, tf.zeros_like(value)) for value in values]
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, value) for value in mine]

        shared = self._strategy.run(one_replica, args=(values,))
        return [self._strategy.experimental_local_results(value)[0] for value in shared]


def _cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    text = os.environ.get("TF_CONFIG", "")
    if text:
        _check_cluster(text)
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_PROCID" in os.environ:
        resolvers = tf.distribute.cluster_resolver
        try:
            if shutil.which("nvidia-smi"):
                resolver = resolvers.SlurmClusterResolver()
                resolver.cluster_spec()  # only now it knows its own task
                return resolver
            # It cannot do without GPUs: it is told of some, and asked for the addresses alone.
            resolver = resolvers.SlurmClusterResolver(
                gpus_per_node=1 << 16, gpus_per_task=1, auto_set_gpu=False
            )
            addresses = resolver.cluster_spec()
            return resolvers.SimpleClusterResolver(
                addresses, task_type=resolver.task_type, task_id=resolver.task_id
            )
        except (KeyError, ValueError, RuntimeError, OSError) as error:
            raise InputError(
                f"--strategy multi_worker cannot read the cluster from Slurm: {error!r}; "
                "start it by srun inside a job, or set TF_CONFIG"
            ) from error
    raise InputError(
        "--strategy multi_worker needs the environment variable TF_CONFIG, such as "
        f"{_EXAMPLE}, or a job of Slurm"
    )


def _check_cluster(text: str) -> None:
    """Checks TF_CONFIG, which TensorFlow itself reads and believes."""
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        kind, index = task["type"], task["index"]
        addresses = [address for job in jobs.values() for address in job]
        fits = all(re.fullmatch(r"\S+:\d{1,5}", address) for address in addresses)
    except (ValueError, KeyError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise InputError(f"TF_CONFIG must look like {_EXAMPLE}. Received: {text}")
    others = sorted(set(jobs) - {"chief", "worker"})
    if others:
        raise InputError(f"TF_CONFIG may name chief and worker. Received: {', '.join(others)}")
    twice = sorted({a for a in addresses if addresses.count(a) > 1})
    if twice:
        raise InputError(f"TF_CONFIG names {twice[0]} more than once; each task has its own port")
    size = len(jobs.get(kind, ()))
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < size:
        raise InputError(
            f"TF_CONFIG makes this process {kind} {index!r}, but the cluster has {size} of {kind}"
        )
