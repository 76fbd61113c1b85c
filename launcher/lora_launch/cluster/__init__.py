"""Several machines, and other people's: Slurm jobs, and runs over several nodes.

The engines are Slurm, and accelerate over torchrun. Ours are the script that Slurm is given, the
word between the machines of one run, and what `lora-launch status` and `logs` tell.
"""
