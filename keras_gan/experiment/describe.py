"""What a job would train, as a table."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table

from keras_gan.experiment.job import Job
from keras_gan.training import checkpoints


def show(job: Job) -> None:
    """Prints networks, data, memory and steps of a job."""
    gan, settings = job.gan, job.settings
    state_bytes = sum(
        math.prod(v.shape) * v.value.dtype.size for v in checkpoints.state(gan).values()
    )
    data_bytes = job.training_data.examples.nbytes
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    networks |= {auxiliary.name: auxiliary.network for auxiliary in gan.auxiliary_networks}
    rows = {
        "data": f"{job.data_set.name}: {job.size:,} examples of shape {gan.example_shape}",
        "latents": f"{gan.prior}",
        "condition": f"{gan.condition or 'none'}",
        **{name: f"{network.count_params():,} parameters" for name, network in networks.items()},
        "memory": f"{state_bytes / 2**20:,.0f} MiB of state, {data_bytes / 2**20:,.0f} MiB of data",
        "update": f"{gan.update}, k = {settings.discriminator_steps}, m = {settings.batch_size}",
        "steps": f"{job.steps_per_epoch:,} an epoch x {settings.epochs} epochs",
        "dropped": f"{job.dropped_examples} examples an epoch, other ones each time",
        "replicas": f"{job.replicas} ({job.options.strategy})",
        "run directory": f"{job.run_dir}",
    }
    table = Table(show_header=False, title=f"recipe {job.recipe.name}")
    for name, value in rows.items():
        table.add_row(name, value)
    gan.generator.summary()
    gan.discriminator.summary()
    Console().print(table)
