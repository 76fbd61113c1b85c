"""The bibliography: every source once, with what it found and how strong it is."""

from __future__ import annotations

from typing import NamedTuple


class Evidence(NamedTuple):
    """A source.

    Tiers: A mechanical, verified by running code or reading source; B several independent
    measurements agree; C one measurement; D guidance without published numbers; E convention,
    no measurement found.
    """

    key: str
    tier: str
    text: str
    """Authors, year, title."""
    where: str
    found: str
    """What it found, in a sentence."""


PEFT_SOURCE = Evidence(
    "peft-source",
    "A",
    "Hugging Face, PEFT 0.21.2: tuners/lora/config.py, layer.py, model.py, tuners_utils.py",
    "https://github.com/huggingface/peft",
    "What LoraConfig accepts, refuses and silently ignores; 224 named cases were run.",
)
TRANSFORMERS_SOURCE = Evidence(
    "transformers-source",
    "A",
    "Hugging Face, transformers 5.23.0: training_args.py, utils/quantization_config.py",
    "https://github.com/huggingface/transformers",
    "TrainingArguments refuses fp16 together with bf16; BitsAndBytesConfig defaults to fp4.",
)
FRAMEWORK_SOURCES = Evidence(
    "framework-sources",
    "A",
    "axolotl 067b021, LLaMA-Factory ff6d4d1, TRL f2cd577, oumi d8ed077 and others, read in 2026",
    "https://github.com/axolotl-ai-cloud/axolotl",
    "Which keys each framework reads, which it drops in silence, and what it assumes instead.",
)
OFFICIAL_RECIPES = Evidence(
    "official-recipes",
    "B",
    "309 LoRA recipes shipped by axolotl (178), torchtune (103) and LLaMA-Factory (28)",
    "https://github.com/axolotl-ai-cloud/axolotl/tree/main/examples",
    "lora_alpha / r lies in [0.25, 4] in all 309, and is 2 in 193; one has a dropout of 0.2.",
)
HU_2021 = Evidence(
    "hu-2021",
    "B",
    "Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen 2021: LoRA: Low-Rank Adaptation of Large "
    "Language Models",
    "https://arxiv.org/abs/2106.09685",
    "Tuning lora_alpha is roughly tuning the learning rate; the GPT-2 recipe has r=4, "
    "lora_alpha=32 and a dropout of 0.1; r=1 to 64 differ little on WikiSQL and MNLI.",
)
DETTMERS_2023 = Evidence(
    "dettmers-2023",
    "B",
    "Dettmers, Pagnoni, Holtzman, Zettlemoyer 2023: QLoRA: Efficient Finetuning of Quantized LLMs",
    "https://arxiv.org/abs/2305.14314",
    "lora_alpha=16 fixed with r=64; rank does not matter once all linear layers are adapted; NF4 "
    "with double quantization takes 4.127 bits a parameter and keeps 16-bit quality.",
)
SCHULMAN_2025 = Evidence(
    "schulman-2025",
    "B",
    "Schulman and Thinking Machines Lab 2025: LoRA Without Regret",
    "https://thinkingmachines.ai/blog/lora/",
    "With lora_alpha=32 fixed the best learning rate moves less than twofold from r=4 to r=512; "
    "lora_alpha x learning rate sets the early slope.",
)
RASCHKA_2023 = Evidence(
    "raschka-2023",
    "C",
    "Raschka 2023: Practical Tips for Finetuning LLMs Using LoRA",
    "https://magazine.sebastianraschka.com/p/practical-tips-for-finetuning-llms",
    "r=256 on the 1,000 examples of LIMA did as well as on 50,000 of Alpaca; Llama-2-7B took "
    "21.33 GB with LoRA and 14.18 GB with QLoRA (r=8, q and v, one A100).",
)
KALAJDZIEVSKI_2023 = Evidence(
    "kalajdzievski-2023",
    "C",
    "Kalajdzievski 2023: A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA",
    "https://arxiv.org/abs/2312.03732",
    "alpha / r stunts high ranks; alpha / sqrt(r) does not.",
)
SEED_RANK_BANDS = Evidence(
    "seed-rank-bands",
    "E",
    "Practitioners' guides: r=4 to 8 below 5,000 examples, 64 to 128 above 50,000",
    "several blogs; none of them measured it",
    "No controlled evidence that a high rank harms a small dataset was found.",
)
SEED_DROPOUT = Evidence(
    "seed-dropout",
    "E",
    "Practitioners' guides: no dropout at r <= 4",
    "several blogs; none of them measured it",
    "The reason given (few features left) does not describe PEFT, which drops inputs of the "
    "adapter: the relative noise is sqrt(p / (1 - p)) at every rank.",
)
ALLORA_2024 = Evidence(
    "allora-2024",
    "C",
    "Huang and Balestriero 2024: ALLoRA: Adaptive Learning Rate Mitigates LoRA Fatal Flaws",
    "https://arxiv.org/abs/2410.09692",
    "Dropout is unreliable in short fine-tuning runs.",
)
PEFT_BENCHMARK = Evidence(
    "peft-benchmark",
    "C",
    "Hugging Face, PEFT method comparison on MetaMathQA, Llama-3.2-3B, one seed",
    "https://github.com/huggingface/peft/tree/main/method_comparison",
    "DoRA took 26.4 % more time and 10.1 % more peak memory than LoRA at equal rank.",
)
VLLM_SOURCE = Evidence(
    "vllm-source",
    "A",
    "vLLM: lora/peft_helper.py, and its issues 2847, 6983, 9280",
    "https://github.com/vllm-project/vllm",
    "Refuses adapters with modules_to_save, a bias or DoRA, and r above max_lora_rank (16).",
)
DEVICE_MEMORY = Evidence(
    "device-memory",
    "A",
    "Total memory as the CUDA driver reports it, collected from published logs",
    "rules/lora_rules/facts/gpus.json, which names the source of each card",
    "A card offers less than the label on its box: an RTX 4090 has 23.5 GiB, a T4 14.6 GiB.",
)
OWN_RULES = Evidence(
    "own-rules",
    "A",
    "lora-lint's own syntax",
    "README.md, Settings",
    "How suppressions and declarations are written.",
)
