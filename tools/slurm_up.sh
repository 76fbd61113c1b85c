#!/bin/sh
# A real Slurm of its own on this machine, as root, for the tests: munge, slurmctld, and a slurmd a node.
#
#     tools/slurm_up.sh up FOLDER [NODES]     start it, print the SLURM_CONF to use
#     tools/slurm_up.sh down FOLDER           end it
#
# Everything it writes is in FOLDER, and nothing of /etc is used. Needs Debian's slurm-wlm and munge.
set -eu
PATH=$PATH:/usr/sbin:/sbin

free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held:
    each.bind(("", 0))
print(*(each.getsockname()[1] for each in held))
PY
}

configure() {
    # shellcheck disable=SC2046
    set -- "$1" "$2" $(free_ports $((1 + $2)))
    folder=$1 nodes=$2
    shift 2
    cat >"$folder/slurm.conf" <<CONF
ClusterName=loratest
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$1
SlurmUser=root
SlurmdUser=root
# A requeued job may start when the credential of its last life has expired: after 120 s if not
# told otherwise, and 5 is the least that Slurm takes.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=60
MinJobAge=300
SlurmctldTimeout=30
SlurmdTimeout=60
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    shift
    number=1
    for port in "$@"; do
        echo "NodeName=node$number NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=$port CPUs=2"
        number=$((number + 1))
    done >>"$folder/slurm.conf"
}

up() {
    folder=$1 nodes=$2
    mkdir -p "$folder/state"
    chmod 755 "$folder"
    dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 2>/dev/null
    chmod 600 "$folder/munge.key"
    configure "$folder" "$nodes"
    export SLURM_CONF="$folder/slurm.conf"
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
    slurmctld -f "$SLURM_CONF"
    for number in $(seq "$nodes"); do
        mkdir -p "$folder/spool.node$number"
        slurmd -f "$SLURM_CONF" -N "node$number"
    done
    for _ in $(seq 300); do
        idle=$(sinfo --noheader --Node --format=%T 2>/dev/null | grep -c idle || true)
        if [ "$idle" -eq "$nodes" ]; then
            echo "$SLURM_CONF"
            return
        fi
        sleep 0.2
    done
    echo "Slurm did not come up in a minute:" >&2
    tail -n 20 "$folder"/*.log >&2
    exit 1
}

lives() { # a zombie that nobody has waited for does not
    grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"
}

down() {
    # Jobs go first: a slurmstepd whose controller is gone waits for it for ever.
    export SLURM_CONF="$1/slurm.conf"
    scancel --user="$(id -un)" 2>/dev/null || true
    for round in $(seq 100); do
        jobs=$(squeue --noheader --format=%i 2>/dev/null || true)
        if [ -z "$jobs" ]; then break; fi
        # shellcheck disable=SC2086
        if [ "$round" -eq 50 ]; then scancel --full --signal=KILL $jobs 2>/dev/null || true; fi
        sleep 0.2
    done
    pids=$(cat "$1"/slurmd.*.pid "$1/slurmctld.pid" "$1/munged.pid" 2>/dev/null || true)
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do
        for _ in $(seq 50); do
            if ! lives "$pid"; then break; fi
            sleep 0.1
        done
        if lives "$pid"; then kill -KILL "$pid"; fi
    done
}

case "${1:-}" in
up) up "$2" "${3:-1}" ;;
down) down "$2" ;;
*)
    echo "usage: $0 up FOLDER [NODES] | down FOLDER" >&2
    exit 2
    ;;
esac
