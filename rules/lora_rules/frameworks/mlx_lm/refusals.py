"""What mlx-lm refuses (``tuner/utils.py``)."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, Written, given, off, where

READ = ("rank", "scale", "dropout")


def _lacks_one(keys: Written) -> bool:
    """Whether one of the parameters that are read without a default is missing."""
    return any(keys.is_missing(f"lora_parameters.{name}") for name in READ)


REFUSALS = (
    Refusals(
        "mlx-lm",
        "mlx-lm",
        (
            Refusal(
                "lora-parameters-needs-all-three",
                "lora_parameters",
                (
                    given("lora_parameters"),
                    where(_lacks_one, *(f"lora_parameters.{name}" for name in READ)),
                    off("train_mode"),
                ),
                "lora_parameters without rank, scale and dropout: those that are written replace "
                "the defaults as a whole, and mlx-lm reads all three",
                "Write all three: the defaults are rank 8, scale 20.0 and dropout 0.0.",
                raises="KeyError",
            ),
        ),
        "https://github.com/ml-explore/mlx-lm, mlx_lm/lora.py, mlx_lm/tuner/utils.py",
        "mlx-lm raises it when it adds the adapter, after the model has been loaded.",
    ),
)
