"""Compares the packaged table of architectures with transformers, over fresh random configurations.

    PYTHONPATH=rules python tools/check_architectures.py [TYPE …] [--times N] [--seed N]

For every type, models are built on the meta device with random fields and the linter's reader must
give each linear layer and embedding, by path, shape and bias, and the total number of parameters.
"""

from __future__ import annotations

import argparse
import logging
import random
import warnings

import transformers

from architectures_check import check
from architectures_configs import BuildError
from architectures_vary import probe
from build_architectures import find_kind, prepare
from lora_rules.facts.model.model_table import model_types


def main() -> None:
    """Checks the types, and says which are not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("types", nargs="*")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    exact = models = 0
    types = arguments.types or sorted(model_types())
    for name in types:
        chance = random.Random(f"{arguments.seed} {name}" if arguments.seed is not None else None)  # noqa: S311
        try:
            kind = prepare(find_kind(name))
            probe(kind)
        except BuildError as problem:
            print(f"{name}: cannot be built: {problem}", flush=True)
            continue
        wrong, done = check(kind, chance, arguments.times)
        models += done
        exact += bool(done) and not wrong
        if not done:
            print(f"{name}: not checked: no random configuration can be built", flush=True)
        for sentence, _ in wrong[:1]:
            print(f"{name}: {len(wrong)} of {done} differ: {sentence}"[:400], flush=True)
    print(f"{exact} of {len(types)} types exact over {models} models")


if __name__ == "__main__":
    main()
