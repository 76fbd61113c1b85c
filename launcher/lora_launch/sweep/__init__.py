"""``lora-launch sweep``: one configuration, several values of some of its keys, and which is best.

Every candidate goes through the gate and the plan before anything is started; every trial is an
ordinary run in its own folder; optuna keeps the books on disk, so that a sweep can be stopped and
goes on where it was.
"""
