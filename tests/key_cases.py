"""What rules with keys report of scripts: code, key, what is refused, and the same repaired.

What LL012 reports of files stands in ``refused_cases``.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """A script that is refused, and its repaired twin."""

    code: str
    key: str
    broken: str
    sound: str


def _lora(arguments: str) -> str:
    return f"from peft import *\nconfig = LoraConfig({arguments})\n"


def _adapter(code: str, key: str, broken: str, sound: str, head: str = "r=16") -> Case:
    return Case(code, key, _lora(f"{head}, {broken}"), _lora(f"{head}, {sound}"))


QV = 'target_modules=["q_proj", "v_proj"]'
ALL = 'target_modules="all-linear"'

CONFLICTS = [
    _adapter("LL011", f"peft/{key}", broken, sound)
    for key, broken, sound in (
        (
            "layers-to-transform-with-text-targets",
            f"{ALL}, layers_to_transform=[0]",
            f"{QV}, layers_to_transform=[0]",
        ),
        (
            "layers-pattern-with-text-targets",
            f'{ALL}, layers_pattern="h", layers_to_transform=[0]',
            f'{QV}, layers_pattern="h", layers_to_transform=[0]',
        ),
        (
            "layers-pattern-needs-layers-to-transform",
            f'{QV}, layers_pattern="h"',
            f'{QV}, layers_pattern="h", layers_to_transform=[0]',
        ),
        ("lora-bias-with-dora", "lora_bias=True, use_dora=True", "lora_bias=True"),
        (
            "lora-bias-with-initialisation",
            'lora_bias=True, init_lora_weights="olora"',
            "lora_bias=True, init_lora_weights=True",
        ),
        (
            "dora-with-megatron",
            'use_dora=True, megatron_config={"a": 1}',
            'megatron_config={"a": 1}',
        ),
        (
            "several-variants",
            "use_dora=True, alora_invocation_tokens=[1]",
            "alora_invocation_tokens=[1]",
        ),
        (
            "loftq-needs-config",
            'init_lora_weights="loftq"',
            'init_lora_weights="loftq", loftq_config=LoftQConfig(loftq_bits=4)',
        ),
        (
            "loftq-config-incomplete",
            'init_lora_weights="loftq", loftq_config={"loftq_bits": 4}',
            'init_lora_weights="loftq", loftq_config={"loftq_bits": 4, "loftq_iter": 1}',
        ),
        (
            "rslora-patterns-with-converted-initialisation",
            'use_rslora=True, init_lora_weights="pissa", rank_pattern={"q_proj": 8}',
            'init_lora_weights="pissa", rank_pattern={"q_proj": 8}',
        ),
        (
            "every-target-excluded",
            f'{QV}, exclude_modules=["q_proj", "v_proj"]',
            f'{QV}, exclude_modules=["q_proj"]',
        ),
        (
            "target-in-modules-to-save",
            f'{QV}, modules_to_save=["q_proj"]',
            f'{QV}, modules_to_save=["lm_head"]',
        ),
        (
            "bdlora-sides-overlap",
            'use_bdlora={"target_modules_bd_a": ["q"], "target_modules_bd_b": ["q"]}',
            'use_bdlora={"target_modules_bd_a": ["q"], "target_modules_bd_b": ["o"]}',
        ),
        (
            "bdlora-target-on-neither-side",
            f'{QV}, use_bdlora={{"target_modules_bd_a": ["q_proj"], "target_modules_bd_b": []}}',
            f'{QV}, use_bdlora={{"target_modules_bd_a": ["q_proj", "v_proj"]}}',
        ),
    )
] + [
    Case(
        "LL011",
        "peft/orthogonal-needs-even-rank",
        _lora('r=15, init_lora_weights="orthogonal"'),
        _lora('r=16, init_lora_weights="orthogonal"'),
    ),
    Case(
        "LL011",
        "transformers/load-in-4bit-with-load-in-8bit",
        "from transformers import BitsAndBytesConfig\nfrom peft import LoraConfig\n"
        "lora = LoraConfig(r=16)\n"
        "config = BitsAndBytesConfig(load_in_4bit=True, load_in_8bit=True)\n",
        "from transformers import BitsAndBytesConfig\nfrom peft import LoraConfig\n"
        "lora = LoraConfig(r=16)\n"
        "config = BitsAndBytesConfig(load_in_4bit=True)\n",
    ),
]

VALUES = [
    _adapter(
        "LL002",
        f"peft/invalid-{key}",
        f"{name}={broken}",
        f"{name}={sound}",
        head="use_rslora=True",
    )
    for key, name, broken, sound in (
        ("r", "r", "0", "1"),
        ("lora-alpha", "lora_alpha", '"16"', "16"),
        ("lora-dropout", "lora_dropout", '"a little"', "0.1"),
        ("bias", "bias", '"None"', '"none"'),
        ("task-type", "task_type", '"CAUSAL"', '"CAUSAL_LM"'),
        ("init-lora-weights", "init_lora_weights", '"pizza"', '"pissa"'),
        ("target-modules", "target_modules", '"(q_proj"', '"q_proj"'),
        ("exclude-modules", "exclude_modules", '"(q_proj"', '"q_proj"'),
        ("modules-to-save", "modules_to_save", '"lm_head"', '["lm_head"]'),
        ("rank-pattern", "rank_pattern", '{"q_proj": 0}', '{"q_proj": 1}'),
        ("alpha-pattern", "alpha_pattern", '{"q_proj": "4"}', '{"q_proj": 4}'),
        ("layers-to-transform", "layers_to_transform", "[-1]", "[0]"),
        ("target-parameters", "target_parameters", '"a.weight"', '["a.weight"]'),
        ("eva-config", "eva_config", '{"rho": 0.5}', '{"rho": 2.0}'),
    )
] + [
    Case(
        "LL002",
        "bitsandbytes/invalid-bnb-4bit-quant-type",
        "from transformers import BitsAndBytesConfig\nfrom peft import LoraConfig\n"
        "lora = LoraConfig(r=16)\n"
        'config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="int4")\n',
        "from transformers import BitsAndBytesConfig\nfrom peft import LoraConfig\n"
        "lora = LoraConfig(r=16)\n"
        'config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")\n',
    )
]


def _on(model: str, arguments: str) -> str:
    loader = "AutoModelForCausalLM" if model != IMAGES else "AutoModelForImageClassification"
    return (
        f"from peft import *\nfrom transformers import {loader}\n"
        f'model = {loader}.from_pretrained("{model}")\n'
        f"config = LoraConfig({arguments})\nmodel = get_peft_model(model, config)\n"
    )


EXPERTS = "Qwen/Qwen3-30B-A3B"
FUSED = 'r=8, target_modules=["q_proj"], target_parameters=["mlp.experts.down_proj"]'
LLAMA, BIASED, GPT2 = "NousResearch/Llama-3.2-1B", "Qwen/Qwen2.5-0.5B", "openai-community/gpt2"
IMAGES = "./convnext"
"""A folder beside the script; ``tests/data/peft_models.json`` has its ``config.json``."""
TABLE = 'r=8, target_modules=["embed_tokens"]'
CONVOLUTION = 'r=8, target_modules=["dwconv"]'
ROWS = 'r=8, target_modules=["c_attn"]'
SIDES = '"target_modules_bd_a": ["q_proj"], "target_modules_bd_b": ["o_proj"]'

LAYERS = [
    Case("LL415", f"peft/{key}", _on(model, broken), _on(model, sound))
    for key, model, broken, sound in (
        (
            "parameter-of-adapted-module",
            LLAMA,
            'r=8, target_modules=["q_proj"], target_parameters=["q_proj.weight"]',
            'r=8, target_modules=["v_proj"], target_parameters=["q_proj.weight"]',
        ),
        (
            "dropout-on-parameters",
            EXPERTS,
            'r=8, lora_dropout=0.1, target_modules=["gate_proj", "up_proj", "down_proj"]',
            'r=8, target_modules=["gate_proj", "up_proj", "down_proj"]',
        ),
        ("unsupported-setting-on-parameters", EXPERTS, f"{FUSED}, use_dora=True", FUSED),
        (
            "initialisation-on-parameters",
            EXPERTS,
            f'{FUSED}, init_lora_weights="pissa"',
            f"{FUSED}, init_lora_weights=True",
        ),
        ("lora-bias-on-embedding", LLAMA, f"{TABLE}, lora_bias=True", TABLE),
        ("variant-on-embedding", LLAMA, f"{TABLE}, alora_invocation_tokens=[1]", TABLE),
        (
            "variant-on-convolution",
            IMAGES,
            f"{CONVOLUTION}, alora_invocation_tokens=[1]",
            CONVOLUTION,
        ),
        (
            "initialisation-on-convolution",
            IMAGES,
            f'{CONVOLUTION}, init_lora_weights="olora"',
            f'{CONVOLUTION}, init_lora_weights="gaussian"',
        ),
        (
            "lora-bias-without-base-bias",
            BIASED,
            'r=8, target_modules=["o_proj"], lora_bias=True',
            'r=8, target_modules=["q_proj"], lora_bias=True',
        ),
        ("fan-in-fan-out-unfit", LLAMA, f"r=8, {QV}, fan_in_fan_out=True", f"r=8, {QV}"),
        (
            "olora-on-conv1d",
            GPT2,
            f'{ROWS}, init_lora_weights="olora"',
            f'{ROWS}, init_lora_weights="gaussian"',
        ),
        ("variant-on-conv1d", GPT2, f'{ROWS}, kasa_config={{"beta": 0.1}}', ROWS),
        (
            "mica-rank-above-features",
            LLAMA,
            f'r=1024, init_lora_weights="mica", {QV}',
            f'r=64, init_lora_weights="mica", {QV}',
        ),
        (
            "kasa-rank-not-below-features",
            LLAMA,
            f'r=512, kasa_config={{"beta": 0.1}}, {QV}',
            f'r=64, kasa_config={{"beta": 0.1}}, {QV}',
        ),
        (
            "bdlora-target-on-neither-side",
            LLAMA,
            f'r=8, target_modules=".*(q_proj|v_proj)", use_bdlora={{{SIDES}}}',
            f'r=8, target_modules=".*(q_proj|o_proj)", use_bdlora={{{SIDES}}}',
        ),
        (
            "bdlora-blocks-do-not-divide",
            LLAMA,
            f'r=8, target_modules=["q_proj", "o_proj"], use_bdlora={{"nblocks": 3, {SIDES}}}',
            f'r=8, target_modules=["q_proj", "o_proj"], use_bdlora={{"nblocks": 4, {SIDES}}}',
        ),
    )
]


def _trained(training: str, more: str = "", adapter: str = QV) -> str:
    return (
        "from peft import LoraConfig\nfrom trl import SFTConfig, SFTTrainer\n"
        f"config = LoraConfig(r=16, lora_alpha=32, {adapter})\n"
        f"args = SFTConfig(learning_rate=2e-4, {training})\n"
        f'trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config{more})\n'
    )


def _loaded(arguments: str) -> str:
    return (
        "from unsloth import FastLanguageModel\n"
        f'model, _ = FastLanguageModel.from_pretrained("my-company/base-7B", {arguments})\n'
        "model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16)\n"
    )


CALLS = [
    Case(
        "LL012",
        "trl/adapter-on-lm-head",
        _trained("num_train_epochs=1", adapter='target_modules=["q_proj", "lm_head"]'),
        _trained("num_train_epochs=1"),
    ),
    Case(
        "LL012",
        "transformers/eval-strategy-needs-eval-dataset",
        _trained('eval_strategy="epoch"'),
        _trained('eval_strategy="epoch"', ", eval_dataset=rows"),
    ),
    Case(
        "LL012",
        "trl/packing-needs-max-length",
        _trained("packing=True, max_length=None"),
        _trained("packing=True, max_length=2048"),
    ),
    Case(
        "LL012",
        "transformers/best-model-needs-equal-strategies",
        _trained("load_best_model_at_end=True", ", eval_dataset=rows"),
        _trained(
            'load_best_model_at_end=True, eval_strategy="epoch", save_strategy="epoch"',
            ", eval_dataset=rows",
        ),
    ),
    Case(
        "LL012",
        "transformers/best-model-needs-save-steps-multiple",
        _trained(
            'load_best_model_at_end=True, eval_strategy="steps", save_steps=100, eval_steps=30',
            ", eval_dataset=rows",
        ),
        _trained(
            'load_best_model_at_end=True, eval_strategy="steps", save_steps=90, eval_steps=30',
            ", eval_dataset=rows",
        ),
    ),
    Case(
        "LL012",
        "unsloth/load-in-8bit-needs-load-in-4bit-off",
        _loaded("load_in_8bit=True"),
        _loaded("load_in_8bit=True, load_in_4bit=False"),
    ),
    Case(
        "LL012",
        "unsloth/qat-scheme-needs-full-finetuning",
        _loaded('qat_scheme="int4"'),
        _loaded('qat_scheme="int4", full_finetuning=True'),
    ),
]


def _made(configuration: str, arguments: str) -> str:
    """A configuration of TRL beside an adapter."""
    return (
        f"from peft import LoraConfig\nfrom trl import {configuration}\n"
        "lora = LoraConfig(r=16, lora_alpha=32, target_modules=['q_proj'])\n"
        f"args = {configuration}('out', {arguments})\n"
    )


def _modelled(trainer: str, model: str, arguments: str) -> str:
    """A loaded model that a trainer is given."""
    return (
        "from peft import LoraConfig\n"
        "from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments\n"
        "import transformers\nimport trl\n"
        f"from trl import {trainer}\n"
        f"model = transformers.{model}\n"
        "lora = LoraConfig(r=16, lora_alpha=32, target_modules=['q_proj'])\n"
        f"trainer = {trainer}(model=model, {arguments}, train_dataset=rows, peft_config=lora)\n"
    )


def _rows(trainer: str, rows: str) -> str:
    """A trainer with rows that the script writes."""
    head = f"from datasets import Dataset\nrows = Dataset.from_list({rows})\n"
    return head + _modelled(trainer, CAUSAL, "args=None")


PINNED = '# /// script\n# dependencies = [\n#     "trl==1.16.0",\n# ]\n# ///\n'
CAUSAL = "AutoModelForCausalLM.from_pretrained('a/b')"
TRL = [
    Case(
        "LL012",
        f"trl/{key}",
        _made(configuration, broken),
        _made(configuration, sound),
    )
    for key, configuration, broken, sound in (
        (
            "assistant-only-loss-needs-conversations",
            "SFTConfig",
            "assistant_only_loss=True, dataset_text_field='text'",
            "assistant_only_loss=True",
        ),
        (
            "generation-batch-size-with-steps-per-generation",
            "GRPOConfig",
            "generation_batch_size=16, steps_per_generation=2",
            "generation_batch_size=16",
        ),
        (
            "generation-batch-of-partial-groups",
            "RLOOConfig",
            "generation_batch_size=16, num_generations=6",
            "generation_batch_size=24, num_generations=6",
        ),
        (
            "generation-batch-of-partial-batches",
            "GRPOConfig",
            "generation_batch_size=12, num_generations=2",
            "generation_batch_size=16, num_generations=2",
        ),
        (
            "batch-of-partial-groups",
            "GRPOConfig",
            "per_device_train_batch_size=4, num_generations=6",
            "per_device_train_batch_size=4, num_generations=8",
        ),
        ("one-generation", "GRPOConfig", "num_generations=1", "num_generations=2"),
        ("no-generations", "GRPOConfig", "num_generations=None", "num_generations=2"),
        (
            "importance-bounds-crossed",
            "GRPOConfig",
            "vllm_importance_sampling_clip_min=4.0",
            "vllm_importance_sampling_clip_min=0.5",
        ),
        (
            "evaluation-batch-of-partial-groups",
            "GRPOConfig",
            "eval_strategy='epoch', per_device_eval_batch_size=8, num_generations_eval=6",
            "eval_strategy='epoch', per_device_eval_batch_size=8, num_generations_eval=4",
        ),
        (
            "kl-needs-sequential-sampling",
            "KTOConfig",
            "train_sampling_strategy='random'",
            "train_sampling_strategy='random', loss_type='apo_zero_unpaired'",
        ),
        (
            "kl-needs-batches",
            "KTOConfig",
            "per_device_train_batch_size=1",
            "per_device_train_batch_size=2",
        ),
        (
            "auto-find-batch-size-with-groups",
            "GRPOConfig",
            "auto_find_batch_size=True",
            "auto_find_batch_size=False",
        ),
        (
            "log-completions-hub-repo-without-log-completions",
            "GRPOConfig",
            "log_completions_hub_repo='me/rows'",
            "log_completions_hub_repo='me/rows', log_completions=True",
        ),
        (
            "loss-weights-of-other-length",
            "DPOConfig",
            "loss_type=['sigmoid', 'sft'], loss_weights=[1.0]",
            "loss_type=['sigmoid', 'sft'], loss_weights=[1.0, 0.5]",
        ),
    )
]
TRL += [
    Case(
        "LL012",
        "trl/synced-reference-with-adapter",
        _modelled("DPOTrainer", CAUSAL, "args=trl.DPOConfig('out', sync_ref_model=True)"),
        _modelled("DPOTrainer", CAUSAL, "args=trl.DPOConfig('out', sync_ref_model=False)"),
    ),
    Case(
        "LL012",
        "trl/adapter-as-dictionary",
        _modelled("SFTTrainer", CAUSAL, "args=None").replace("=lora)", "={'r': 16})"),
        _modelled("SFTTrainer", CAUSAL, "args=None"),
    ),
    Case(
        "LL012",
        "trl/trainer-without-data",
        PINNED + _modelled("SFTTrainer", CAUSAL, "args=None").replace("=rows", "=None"),
        PINNED + _modelled("SFTTrainer", CAUSAL, "args=None"),
    ),
    Case(
        "LL012",
        "trl/data-is-no-dataset",
        PINNED + _modelled("SFTTrainer", CAUSAL, "args=None").replace("=rows", "=[{'text': 'a'}]"),
        PINNED + _modelled("SFTTrainer", CAUSAL, "args=None"),
    ),
    Case(
        "LL012",
        "trl/rows-without-columns",
        _rows("DPOTrainer", "[{'prompt': 'a'}]"),
        _rows("DPOTrainer", "[{'chosen': 'a', 'rejected': 'b'}]"),
    ),
    *(
        Case("LL012", "trl/rows-without-columns", _rows(trainer, broken), _rows(trainer, sound))
        for trainer, broken, sound in (
            ("SFTTrainer", "[{'question': 'a'}]", "[{'text': 'a'}]"),
            ("SFTTrainer", "[{'prompt': 'a', 'answer': 'b'}]", "[{'input_ids': [1, 2]}]"),
            ("KTOTrainer", "[{'input_ids': [1, 2]}]", "[{'chosen': 'a', 'rejected': 'b'}]"),
            (
                "RewardTrainer",
                "[{'chosen': 'a'}]).shuffle().train_test_split(0.1)['train'].select([0]",
                "[{'chosen': 'a'}]).map(paired).select([0]",
            ),
        )
    ),
    Case(
        "LL012",
        "trl/trainer-without-rewards",
        _modelled("GRPOTrainer", CAUSAL, "reward_funcs=[]"),
        _modelled("GRPOTrainer", CAUSAL, "reward_funcs=[score]"),
    ),
    Case(
        "LL012",
        "transformers/optimizers-is-no-pair",
        _modelled("SFTTrainer", CAUSAL, "optimizers=None"),
        _modelled("SFTTrainer", CAUSAL, "optimizers=(None, None)"),
    ),
    Case(
        "LL012",
        "transformers/trainer-without-model",
        _modelled("SFTTrainer", CAUSAL, "args=None").replace("model=model", "model=None"),
        _modelled("SFTTrainer", CAUSAL, "args=None"),
    ),
    Case(
        "LL012",
        "trl/reward-model-needs-one-label",
        _modelled(
            "RewardTrainer",
            "AutoModelForSequenceClassification.from_pretrained('a/b', num_labels=2)",
            "args=None",
        ),
        _modelled(
            "RewardTrainer",
            "AutoModelForSequenceClassification.from_pretrained('a/b', num_labels=1)",
            "args=None",
        ),
    ),
    Case(
        "LL012",
        "trl/reference-is-the-model",
        _modelled("DPOTrainer", CAUSAL, "ref_model=model"),
        _modelled("DPOTrainer", CAUSAL, "ref_model=None"),
    ),
    Case(
        "LL012",
        "transformers/collator-masks-by-default",
        _modelled("SFTTrainer", CAUSAL, "data_collator=DataCollatorForLanguageModeling(tokenizer)"),
        _modelled(
            "SFTTrainer",
            CAUSAL,
            "data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False)",
        ),
    ),
]

CASES = [*TRL, *CONFLICTS, *VALUES, *LAYERS, *CALLS]
