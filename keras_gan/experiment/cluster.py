"""The cluster of a run on several hosts, read from the environment and checked."""

from __future__ import annotations

import json
import os
import re

import tensorflow as tf

from keras_gan.core import keras_private
from keras_gan.core.errors import InputError

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:port", "host1:port"]}, "task": {"type": "worker", "index": 0}}'
)
_SLURM_PORT = 8888  # of the first task on each host, as TensorFlow's own resolver has it
_LONGEST = 300  # characters of TF_CONFIG in a message


def read() -> tf.distribute.cluster_resolver.ClusterResolver:
    """The cluster that TF_CONFIG or Slurm describes, and this process's place in it."""
    text = os.environ.get("TF_CONFIG", "")
    if text:
        _check_cluster(text)
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_PROCID" in os.environ:
        try:
            return _of_slurm()
        except (KeyError, ValueError) as error:
            raise InputError(
                f"--strategy multi_worker cannot read the cluster from Slurm: {error!r}; "
                "start it by srun inside a job, or set TF_CONFIG"
            ) from error
    raise InputError(
        "--strategy multi_worker needs the environment variable TF_CONFIG, such as "
        f"{_EXAMPLE}, or a job of Slurm"
    )


def _of_slurm() -> tf.distribute.cluster_resolver.ClusterResolver:
    """The cluster of a step of a Slurm job, with the GPUs that Slurm gives this process.

    TensorFlow's own resolver sorts the hosts by name, n10 before n9, while Slurm gives ranks in the
    order of its list; and it asks nvidia-smi, which also lists GPUs that are not this process's.
    """
    hosts = keras_private.slurm_hosts(os.environ["SLURM_STEP_NODELIST"])
    tasks = keras_private.slurm_tasks(os.environ["SLURM_STEP_TASKS_PER_NODE"])
    addresses = [
        f"{host}:{_SLURM_PORT + task}"
        for host, count in zip(hosts, tasks, strict=True)
        for task in range(count)
    ]
    rank = int(os.environ["SLURM_PROCID"])
    if rank >= len(addresses):
        raise ValueError(f"task {rank} of {len(addresses)}")
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": addresses}),
        task_type="worker",
        task_id=rank,
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
    )


def _check_cluster(text: str) -> None:
    """Checks TF_CONFIG, which TensorFlow itself reads and believes."""
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        kind, index = task["type"], task["index"]
        addresses = [address for job in jobs.values() for address in job]
        fits = (
            isinstance(kind, str)
            and config.get("rpc_layer", "grpc") == "grpc"
            and all(isinstance(job, list) for job in jobs.values())
            and all(re.fullmatch(r"\S+:[0-9]{1,5}", address) for address in addresses)
            and all(0 < port(address) < 1 << 16 for address in addresses)
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fits = False
    if not fits:
        received = text if len(text) < _LONGEST else f"{text[:_LONGEST]}..."
        raise InputError(f"TF_CONFIG must look like {_EXAMPLE}. Received: {received!r}")
    others = sorted(set(jobs) - {"chief", "worker"})
    if others:
        raise InputError(f"TF_CONFIG may name chief and worker. Received: {', '.join(others)}")
    if len(jobs.get("chief", ())) > 1:
        raise InputError(
            f"TF_CONFIG names {len(jobs['chief'])} of chief; name one, and the others as worker"
        )
    twice = sorted({a for a in addresses if addresses.count(a) > 1})
    if twice:
        raise InputError(f"TF_CONFIG names {twice[0]} more than once; each task has its own port")
    size = len(jobs.get(kind, ()))
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < size:
        raise InputError(
            f"TF_CONFIG makes this process {kind} {index!r}, but the cluster has {size} of {kind}"
        )


def tasks(spec: tf.train.ClusterSpec) -> list[tuple[str, int]]:
    """All tasks of a cluster, as ("worker", 0); the chief's is the first."""
    return [(job, i) for job in sorted(spec.jobs) for i in range(spec.num_tasks(job))]


def host(address: str) -> str:
    """The name of the host in an address "host:port"; an IPv6 address without its brackets."""
    return address.rpartition(":")[0].strip("[]")


def port(address: str) -> int:
    """The port in an address "host:port"."""
    return int(address.rpartition(":")[2])
