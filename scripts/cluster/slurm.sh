#!/usr/bin/env bash
# A run of one set on the nodes of a Slurm job, by Ray (docs/cluster.md).
#
#   sbatch --nodes=4 --gpus-per-node=8 scripts/cluster/slurm.sh my_set --checkpoints 'dense-*/*'
#
# What stands behind the script's name goes to `evaluate`. The first node has the store: E2LM_HOME, on a disk of its
# own where there is one. VENV names the virtual environment with requirements-ray.txt, the same on all nodes.
#SBATCH --job-name=e2lm
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
set -euo pipefail

root=${E2LM_ROOT:-${SLURM_SUBMIT_DIR:-$PWD}}
venv=${VENV:-$root/.venv}
port=${RAY_PORT:-6379}
cpus=${SLURM_CPUS_ON_NODE:-$(nproc)}
gpus=${SLURM_GPUS_ON_NODE:-0}
cd "$root"

# One token for this job's cluster: nobody else on these machines can send it code. In the job's own folder, which all
# nodes see; taken away at the end.
folder=$(mktemp -d "$root/.ray-$SLURM_JOB_ID-XXXXXX")
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$folder/token RAY_USAGE_STATS_ENABLED=0
(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$RAY_AUTH_TOKEN_PATH")

mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
address=$(srun --nodes=1 --ntasks=1 --nodelist="${hosts[0]}" hostname -I | awk '{print $1}')

waiting=()
ended() {
    kill "${waiting[@]}" 2>/dev/null || true
    wait "${waiting[@]}" 2>/dev/null || true
    rm -rf "$folder"
}
trap ended EXIT

"$venv/bin/ray" start --head --node-ip-address="$address" --port="$port" --num-cpus="$cpus" --num-gpus="$gpus" \
    --include-dashboard=false --disable-usage-stats --block &
waiting+=($!)
until "$venv/bin/ray" health-check --address "$address:$port" >/dev/null 2>&1; do
    kill -0 "${waiting[0]}" || exit 1 # the head has ended, and has said why
    sleep 1
done
for host in "${hosts[@]:1}"; do
    srun --nodes=1 --ntasks=1 --nodelist="$host" "$venv/bin/ray" start --address="$address:$port" \
        --num-cpus="$cpus" --num-gpus="$gpus" --disable-usage-stats --block &
    waiting+=($!)
done

# Nodes that are late join the run while it goes on.
RAY_ADDRESS="$address:$port" "$venv/bin/python" -m e2lm_core evaluate "$@" --backend ray
