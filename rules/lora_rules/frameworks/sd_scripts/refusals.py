"""What kohya's sd-scripts refuse."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    Written,
    differs,
    either,
    equals,
    given,
    missing,
    off,
    present,
    where,
)

NUMBERS = (
    "network_dim",
    "network_alpha",
    "learning_rate",
    "unet_lr",
    "max_train_steps",
    "max_train_epochs",
    "train_batch_size",
    "gradient_accumulation_steps",
)
"""Options that are numbers; a file's values are taken over as they stand."""


def _is_text(keys: Written, name: str) -> bool:
    value = keys.value(name)
    return isinstance(value, str) and not value.startswith(("$", "{", "<"))


def _text(name: str) -> Refusal:
    return Refusal(
        f"{kebab(name)}-as-text",
        name,
        (where(lambda keys: _is_text(keys, name), name),),
        f"{name} that is a text: a file's values are not converted as those of a command are",
        "Write the number without quotes.",
        raises="TypeError",
    )


def _full(dtype: str) -> Refusal:
    name, needed = f"full_{dtype}", "mixed_precision"
    other = either(missing(needed), differs(needed, dtype))
    return Refusal(
        f"{kebab(name)}-needs-mixed-precision",
        name,
        (given(name), other),
        f"{name} without mixed_precision {dtype}",
        f"Set mixed_precision to {dtype}, or remove {name}.",
        raises="AssertionError",
    )


CACHE = "cache_text_encoder_outputs"
TRAIN_TEXT_ENCODERS = ("networks.lora", "networks.lora_anima")
"""The modules whose scripts take the cache only where the text encoders are not trained."""
CACHES_CAPTIONS = (
    "networks.lora",
    "networks.lora_flux",
    "networks.lora_sd3",
    "networks.lora_hunyuan_image",
)
"""The modules whose scripts ask whether captions stay the same from step to step."""
MOVING_CAPTIONS = (
    "shuffle_caption",
    "caption_dropout_rate",
    "caption_tag_dropout_rate",
    "token_warmup_step",
)


def _cached(caption: str) -> Refusal:
    return Refusal(
        f"cache-text-encoder-outputs-with-{kebab(caption)}",
        caption,
        (
            given(CACHE, caption),
            equals("network_module", *CACHES_CAPTIONS),
            missing("dataset_config"),
        ),
        f"{caption} with {CACHE}: what a caption is encoded to is computed once, and would not "
        "change with the caption",
        f"Remove {caption}, or {CACHE}.",
        raises="AssertionError",
    )


ROWS = (
    *map(_text, NUMBERS),
    *map(_full, ("fp16", "bf16")),
    Refusal(
        "scale-v-pred-loss-needs-v-parameterization",
        "scale_v_pred_loss_like_noise_pred",
        (given("scale_v_pred_loss_like_noise_pred"), off("v_parameterization")),
        "scale_v_pred_loss_like_noise_pred without v_parameterization",
        "Remove it, or set v_parameterization for a model of that kind.",
    ),
    Refusal(
        "adaptive-noise-scale-needs-noise-offset",
        "adaptive_noise_scale",
        (present("adaptive_noise_scale"), missing("noise_offset")),
        "adaptive_noise_scale without noise_offset",
        "Set noise_offset.",
    ),
    Refusal(
        "cache-text-encoder-outputs-needs-network-train-unet-only",
        CACHE,
        (
            given(CACHE),
            equals("network_module", *TRAIN_TEXT_ENCODERS),
            off("network_train_unet_only"),
        ),
        f"{CACHE} without network_train_unet_only: the text encoders would be trained, and what "
        "they give is computed once",
        f"Set network_train_unet_only, or remove {CACHE}.",
        raises="AssertionError",
    ),
    *map(_cached, MOVING_CAPTIONS),
)

REFUSALS = (
    Refusals(
        "sd-scripts",
        "sd-scripts",
        ROWS,
        "https://github.com/kohya-ss/sd-scripts, train_network.py, *_train_network.py, "
        "library/train_util.py",
        "sd-scripts raise it when the arguments are checked or the optimizer is made.",
    ),
)
