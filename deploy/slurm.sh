#!/usr/bin/env bash
# Trains on several nodes of a Slurm cluster, one process on each:
#
#   sbatch deploy/slurm.sh
#   RUN_DIR=/shared/runs/mnist sbatch --nodes=4 --gpus-per-node=1 deploy/slurm.sh
#
# The run directory and TFDS_DATA_DIR (MNIST, prepared once) lie on a file system that all nodes
# share. Before the time limit, and when the job is preempted, training gets SIGTERM, saves its state
# and ends with 75; the job is then queued again and continues from there.

#SBATCH --job-name=keras-gan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@180
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

set -u
interrupted=75
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-8}" # else the step may get one core of them

# A worker that ends first must not end the others while they save.
srun --kill-on-bad-exit=0 \
    python -m keras_gan.train --strategy multi_worker --recipe mnist --run-dir "${RUN_DIR:-runs/mnist}"
code=$?

if ((code == interrupted)); then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
