"""The bibliography: every source once. What it says of a rule stands with the rule."""

from __future__ import annotations

from lora_rules.engine._startup.typed import NamedTuple

MECHANICAL = "A"
SEVERAL = "B"
MEASURED = "C"
PRACTICE = "D"
GUIDANCE = "E"
CONVENTION = "F"

TIERS = {
    MECHANICAL: "mechanical: verified by running code or reading source",
    SEVERAL: "several independent measurements agree",
    MEASURED: "one measurement",
    PRACTICE: "practice: what published recipes do; it measures nothing",
    GUIDANCE: "guidance without published numbers",
    CONVENTION: "convention; no measurement found",
}


class Source(NamedTuple):
    """Something that was read or run. No source is of tier B, which only several can be."""

    key: str
    tier: str
    text: str
    """Authors, year, title; of software its version."""
    where: str
    by: str = ""
    """Who measured. Several papers of one laboratory are one measurement."""

    def says(self, sentence: str) -> Citation:
        """Cite it for a rule, with what in it supports the rule's page."""
        return Citation(self, sentence)

    def disagrees(self, sentence: str) -> Citation:
        """Cite it for a rule, with what in it speaks against the rule."""
        return Citation(self, sentence, supports=False)


class Citation(NamedTuple):
    """What one source says of one rule."""

    source: Source
    sentence: str
    supports: bool = True


def strength(evidence: tuple[Citation, ...]) -> str:
    """The tier of a rule: that of the first source, or B where several laboratories measured it."""
    supporting = [each.source for each in evidence if each.supports]
    first = supporting[0].tier
    laboratories = {source.by for source in supporting if source.tier == MEASURED}
    return SEVERAL if first == MEASURED and len(laboratories) > 1 else first


PEFT_SOURCE = Source(
    "peft-source",
    MECHANICAL,
    "Hugging Face, PEFT 0.21.2: tuners/lora/config.py, layer.py, model.py, tuners_utils.py",
    "https://github.com/huggingface/peft",
)
TRANSFORMERS_SOURCE = Source(
    "transformers-source",
    MECHANICAL,
    "Hugging Face, transformers 5.23.0: training_args.py, utils/quantization_config.py",
    "https://github.com/huggingface/transformers",
)
FRAMEWORK_SOURCES = Source(
    "framework-sources",
    MECHANICAL,
    "axolotl 067b021, LLaMA-Factory ff6d4d1, TRL f2cd577, oumi d8ed077 and others, read in 2026",
    "https://github.com/axolotl-ai-cloud/axolotl",
)
OFFICIAL_RECIPES = Source(
    "official-recipes",
    PRACTICE,
    "309 LoRA recipes shipped by axolotl (178), torchtune (103) and LLaMA-Factory (28)",
    "https://github.com/axolotl-ai-cloud/axolotl/tree/main/examples",
)
HU_2021 = Source(
    "hu-2021",
    MEASURED,
    "Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen 2021: LoRA: Low-Rank Adaptation of Large "
    "Language Models",
    "https://arxiv.org/abs/2106.09685",
    by="Microsoft",
)
DETTMERS_2023 = Source(
    "dettmers-2023",
    MEASURED,
    "Dettmers, Pagnoni, Holtzman, Zettlemoyer 2023: QLoRA: Efficient Finetuning of Quantized LLMs",
    "https://arxiv.org/abs/2305.14314",
    by="University of Washington",
)
SCHULMAN_2025 = Source(
    "schulman-2025",
    MEASURED,
    "Schulman and Thinking Machines Lab 2025: LoRA Without Regret",
    "https://thinkingmachines.ai/blog/lora/",
    by="Thinking Machines Lab",
)
LORA_CAPACITY = Source(
    "lora-capacity",
    MEASURED,
    "Schulman and Thinking Machines Lab 2025, after Allen-Zhu and Li 2024: what a parameter holds",
    "https://thinkingmachines.ai/blog/lora/",
    by="Thinking Machines Lab",
)
RASCHKA_2023 = Source(
    "raschka-2023",
    MEASURED,
    "Raschka 2023: Practical Tips for Finetuning LLMs Using LoRA",
    "https://magazine.sebastianraschka.com/p/practical-tips-for-finetuning-llms",
    by="Raschka",
)
KALAJDZIEVSKI_2023 = Source(
    "kalajdzievski-2023",
    MEASURED,
    "Kalajdzievski 2023: A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA",
    "https://arxiv.org/abs/2312.03732",
    by="Tenyx",
)
SEED_RANK_BANDS = Source(
    "seed-rank-bands",
    CONVENTION,
    "Practitioners' guides: r=4 to 8 below 5,000 examples, 64 to 128 above 50,000",
    "several blogs; none of them measured it",
)
SEED_DROPOUT = Source(
    "seed-dropout",
    CONVENTION,
    "Practitioners' guides: no dropout at r <= 4",
    "several blogs; none of them measured it",
)
ALLORA_2024 = Source(
    "allora-2024",
    MEASURED,
    "Huang and Balestriero 2024: ALLoRA: Adaptive Learning Rate Mitigates LoRA Fatal Flaws",
    "https://arxiv.org/abs/2410.09692",
    by="Huang and Balestriero",
)
PEFT_BENCHMARK = Source(
    "peft-benchmark",
    MEASURED,
    "Hugging Face, PEFT method comparison on MetaMathQA, Llama-3.2-3B, one seed",
    "https://github.com/huggingface/peft/tree/main/method_comparison",
    by="Hugging Face",
)
VLLM_SOURCE = Source(
    "vllm-source",
    MECHANICAL,
    "vLLM: lora/peft_helper.py, and its issues 2847, 6983, 9280",
    "https://github.com/vllm-project/vllm",
)
DEVICE_MEMORY = Source(
    "device-memory",
    MECHANICAL,
    "Total memory as the CUDA driver reports it, collected from published logs",
    "rules/lora_rules/facts/memory/gpus.json, which names the source of each card",
)
TINKER_SWEEP = Source(
    "tinker-sweep",
    MEASURED,
    "Thinking Machines Lab 2025: tinker-cookbook, supervised LoRA sweep over 35 base models",
    "https://github.com/thinking-machines-lab/tinker-cookbook",
    by="Thinking Machines Lab",
)
BIDERMAN_2024 = Source(
    "biderman-2024",
    MEASURED,
    "Biderman, Portes, Ortiz and others 2024: LoRA Learns Less and Forgets Less",
    "https://arxiv.org/abs/2405.09673",
    by="Columbia University and Databricks",
)
CHEN_2026 = Source(
    "chen-2026",
    MEASURED,
    "Chen, Villar, Hayou 2026: learning rate scaling across LoRA ranks",
    "https://arxiv.org/abs/2602.06204",
    by="Chen, Villar and Hayou",
)
HAYOU_2024 = Source(
    "hayou-2024",
    MEASURED,
    "Hayou, Ghosh, Yu 2024: LoRA+: Efficient Low Rank Adaptation of Large Models",
    "https://arxiv.org/abs/2402.12354",
    by="Hayou, Ghosh and Yu",
)
PREFERENCE_PRACTICE = Source(
    "preference-practice",
    GUIDANCE,
    "Learning rates that TRL, Tinker and Zephyr give for DPO and GRPO with LoRA",
    "https://huggingface.co/docs/trl",
)
TRL_SOURCE = Source(
    "trl-source",
    MECHANICAL,
    "Hugging Face, TRL 1.16.0: trainer/sft_config.py, sft_trainer.py; fields of 38 versions",
    "https://github.com/huggingface/trl",
)
BITSANDBYTES_SOURCE = Source(
    "bitsandbytes-source",
    MECHANICAL,
    "bitsandbytes 0.50: nn/modules.py (Linear4bit); transformers 5.23.0: quantizers/auto.py",
    "https://github.com/bitsandbytes-foundation/bitsandbytes",
)
FLASH_ATTENTION = Source(
    "flash-attention",
    MECHANICAL,
    "Dao-AILab, flash-attention 2: README and csrc/flash_attn/flash_api.cpp",
    "https://github.com/Dao-AILab/flash-attention",
)
SEED_TASK_BANDS = Source(
    "seed-task-bands",
    CONVENTION,
    "Practitioners' guides: rank bands by task, from 8 for style and classification to 64 for code",
    "five guides; none of them measured it",
)
SEED_DROPOUT_SCALE = Source(
    "seed-dropout-scale",
    CONVENTION,
    "Practitioners' guides: a high lora_alpha together with a high dropout gives noisy gradients",
    "one guide; it measured nothing",
)
UNSLOTH_DOCS = Source(
    "unsloth-docs",
    GUIDANCE,
    "Unsloth: unsloth/models/llama.py and its fine-tuning guide",
    "https://github.com/unslothai/unsloth",
)
EPOCHS_CONTESTED = Source(
    "epochs-contested",
    MEASURED,
    "Raschka 2023 (Alpaca twice is worse), Tulu 3 2024 (2 epochs), arXiv 2602.11149 (2026)",
    "https://arxiv.org/abs/2602.11149",
    by="several",
)
PROMPT_LOSS = Source(
    "prompt-loss",
    MEASURED,
    "Dettmers 2023 and Shi and others 2024: Instruction Tuning With Loss Over Instructions",
    "https://arxiv.org/abs/2405.14394",
    by="several",
)
GUIDE_EVALUATION = Source(
    "guide-evaluation",
    GUIDANCE,
    "Practitioners' guides: watch the loss on held-out examples and stop early",
    "several guides",
)
ARITHMETIC = Source(
    "arithmetic",
    MECHANICAL,
    "Counting: optimizer steps from rows, batch, accumulation, devices and epochs",
    "transformers 5.23.0: trainer.py, training_args.py, trainer_callback.py, optimization.py",
)
MEMORY_FORECAST = Source(
    "memory-forecast",
    MEASURED,
    "lora-lint's memory forecast against 207 published measurements, 12 of them at a card's limit",
    "docs/memory.md",
    by="lora-lint, on published logs",
)
MEMORY_TRAPS = Source(
    "memory-traps",
    MECHANICAL,
    "TRL 1.16 trainer/utils.py; transformers 5.23 integrations/bitsandbytes.py; PEFT 0.21.2 "
    "utils/other.py",
    "https://github.com/huggingface/trl/blob/main/trl/trainer/utils.py",
)
OWN_RULES = Source("own-rules", MECHANICAL, "lora-lint's own syntax", "README.md, Settings")
SCRIPT_RUNS = Source(
    "script-runs",
    MECHANICAL,
    "Short scripts run with PEFT 0.21.2, transformers 5.23.0 and TRL 1.16.0 on tiny models",
    "tests/test_script_truth.py",
)
CHAT_TEMPLATES = Source(
    "chat-templates",
    GUIDANCE,
    "Hugging Face, transformers documentation: Chat templates; alignment-handbook issue 127",
    "https://huggingface.co/docs/transformers/chat_templating",
)
QLORA_GUIDE = Source(
    "qlora-guide",
    GUIDANCE,
    "Hugging Face, PEFT documentation: Quantization; Fully Sharded Data Parallel",
    "https://huggingface.co/docs/peft/developer_guides/quantization",
)
ACCELERATE_SOURCE = Source(
    "accelerate-source",
    MECHANICAL,
    "Hugging Face, accelerate 1.15.0: accelerator.py, lines 1470 to 1481 and 1816 to 1849",
    "https://github.com/huggingface/accelerate",
)
ZERO_ISSUES = Source(
    "zero-issues",
    GUIDANCE,
    "Issues of PEFT (2892), DeepSpeed (4295), LongLoRA (160) and LLaMA-Factory (852)",
    "https://github.com/huggingface/peft/issues/2892",
)
