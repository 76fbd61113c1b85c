"""The bibliography: every source once, with what it found and how strong it is."""

from __future__ import annotations

from lora_rules.engine._startup.typed import NamedTuple


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
LORA_CAPACITY = Evidence(
    "lora-capacity",
    "B",
    "Schulman and Thinking Machines Lab 2025, after Allen-Zhu and Li 2024: what a parameter holds",
    "https://thinkingmachines.ai/blog/lora/",
    "A parameter holds about 2 bits, and a token of supervised data teaches about 1 bit or less; "
    "a run whose data need more than the adapter holds falls behind full fine-tuning.",
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
    "rules/lora_rules/facts/memory/gpus.json, which names the source of each card",
    "A card offers less than the label on its box: an RTX 4090 has 23.5 GiB, a T4 14.6 GiB.",
)
TINKER_SWEEP = Evidence(
    "tinker-sweep",
    "B",
    "Thinking Machines Lab 2025: tinker-cookbook, supervised LoRA sweep over 35 base models",
    "https://github.com/thinking-machines-lab/tinker-cookbook",
    "The best learning rate is 3e-4 or 1e-3 in most; 4e-5 costs 2.6 % of the loss at the median "
    "and 9.9 % at most; nearly every run at 3e-3 diverged (lora_alpha=32, Adam).",
)
BIDERMAN_2024 = Evidence(
    "biderman-2024",
    "C",
    "Biderman, Portes, Ortiz and others 2024: LoRA Learns Less and Forgets Less",
    "https://arxiv.org/abs/2405.09673",
    "Halved the learning rate at r=256 with lora_alpha=512 because of loss spikes; recommends LoRA "
    "for instruction tuning, not for continued pretraining.",
)
CHEN_2026 = Evidence(
    "chen-2026",
    "C",
    "Chen, Villar, Hayou 2026: learning rate scaling across LoRA ranks",
    "https://arxiv.org/abs/2602.06204",
    "Depending on scaling and initialisation the best learning rate is the same at every rank, or "
    "falls in proportion to 1/r.",
)
HAYOU_2024 = Evidence(
    "hayou-2024",
    "C",
    "Hayou, Ghosh, Yu 2024: LoRA+: Efficient Low Rank Adaptation of Large Models",
    "https://arxiv.org/abs/2402.12354",
    "A learning rate for B that is 16 times that of A gained 1 to 2 % and up to twofold speed.",
)
PREFERENCE_PRACTICE = Evidence(
    "preference-practice",
    "D",
    "Learning rates that TRL, Tinker and Zephyr give for DPO and GRPO with LoRA",
    "https://huggingface.co/docs/trl",
    "DPO with LoRA at 5e-6 to 1e-5, GRPO at 1e-5; 12 of 23 official preference recipes use 1e-4 "
    "or more.",
)
TRL_SOURCE = Evidence(
    "trl-source",
    "A",
    "Hugging Face, TRL 1.16.0: trainer/sft_config.py, sft_trainer.py; fields of 38 versions",
    "https://github.com/huggingface/trl",
    "SFTConfig sets a learning rate of 2e-5 (from 0.12 on), 3 epochs and a max_length of 1024 "
    "(from 0.16 on); packing without a flash attention lets examples see each other.",
)
BITSANDBYTES_SOURCE = Evidence(
    "bitsandbytes-source",
    "A",
    "bitsandbytes 0.50: nn/modules.py (Linear4bit); transformers 5.23.0: quantizers/auto.py",
    "https://github.com/bitsandbytes-foundation/bitsandbytes",
    "A 4-bit layer computes in the type of its input where that is bfloat16 or float32, and in "
    "bnb_4bit_compute_dtype where it is float16.",
)
FLASH_ATTENTION = Evidence(
    "flash-attention",
    "A",
    "Dao-AILab, flash-attention 2: README and csrc/flash_attn/flash_api.cpp",
    "https://github.com/Dao-AILab/flash-attention",
    "Only float16 and bfloat16, only Ampere and newer: anything else raises RuntimeError.",
)
SEED_TASK_BANDS = Evidence(
    "seed-task-bands",
    "E",
    "Practitioners' guides: rank bands by task, from 8 for style and classification to 64 for code",
    "five guides; none of them measured it",
    "They disagree: one has 8 to 16 where another has 64 to 128, and measurements find the rank to "
    "matter little once all linear layers are adapted.",
)
SEED_DROPOUT_SCALE = Evidence(
    "seed-dropout-scale",
    "E",
    "Practitioners' guides: a high lora_alpha together with a high dropout gives noisy gradients",
    "one guide; it measured nothing",
    "That dropout's noise is multiplied by lora_alpha / r is arithmetic; the harm is unmeasured.",
)
UNSLOTH_DOCS = Evidence(
    "unsloth-docs",
    "D",
    "Unsloth: unsloth/models/llama.py and its fine-tuning guide",
    "https://github.com/unslothai/unsloth",
    "A layer gets the fused kernels only where lora_dropout is 0 and bias is none; else it warns.",
)
EPOCHS_CONTESTED = Evidence(
    "epochs-contested",
    "C",
    "Raschka 2023 (Alpaca twice is worse), Tulu 3 2024 (2 epochs), arXiv 2602.11149 (2026)",
    "https://arxiv.org/abs/2602.11149",
    "Repeating 50,000 examples hurt or did nothing; on long chains of thought 128 epochs of 400 "
    "examples beat one epoch of 51,200 by 12 to 26 points.",
)
PROMPT_LOSS = Evidence(
    "prompt-loss",
    "C",
    "Dettmers 2023 and Shi and others 2024: Instruction Tuning With Loss Over Instructions",
    "https://arxiv.org/abs/2405.14394",
    "Masking the prompt gained about a point; with long prompts, short answers or few examples a "
    "loss on the prompt helped instead.",
)
GUIDE_EVALUATION = Evidence(
    "guide-evaluation",
    "D",
    "Practitioners' guides: watch the loss on held-out examples and stop early",
    "several guides",
    "Without held-out examples overfitting cannot be seen; 23 of 63 official axolotl recipes with "
    "several epochs have none.",
)
ARITHMETIC = Evidence(
    "arithmetic",
    "A",
    "Counting: optimizer steps from rows, batch, accumulation, devices and epochs",
    "transformers 5.23.0: trainer.py, training_args.py, trainer_callback.py, optimization.py",
    "A warm-up that is longer than the run never reaches the learning rate that was set.",
)
MEMORY_FORECAST = Evidence(
    "memory-forecast",
    "B",
    "lora-lint's memory forecast against 207 published measurements, 12 of them at a card's limit",
    "docs/memory.md",
    "On a T4 every run forecast below 86 % of the room finished, every one above 90 % failed; the "
    "peak of 50 runs whose settings are all known is 0.2 % off at the median.",
)
MEMORY_TRAPS = Evidence(
    "memory-traps",
    "A",
    "TRL 1.16 trainer/utils.py; transformers 5.23 integrations/bitsandbytes.py; PEFT 0.21.2 "
    "utils/other.py",
    "https://github.com/huggingface/trl/blob/main/trl/trainer/utils.py",
    "A model that a TRL trainer loads by its name is float32 unless a dtype is given (since 0.27); "
    "only nn.Linear is quantized, and fused experts are none; prepare_model_for_kbit_training "
    "makes everything else float32.",
)
OWN_RULES = Evidence(
    "own-rules",
    "A",
    "lora-lint's own syntax",
    "README.md, Settings",
    "How suppressions and declarations are written.",
)
SCRIPT_RUNS = Evidence(
    "script-runs",
    "A",
    "Short scripts run with PEFT 0.21.2, transformers 5.23.0 and TRL 1.16.0 on tiny models",
    "tests/test_script_truth.py",
    "Which orders of calls raise, train nothing, or lose what they trained.",
)
CHAT_TEMPLATES = Evidence(
    "chat-templates",
    "D",
    "Hugging Face, transformers documentation: Chat templates; alignment-handbook issue 127",
    "https://huggingface.co/docs/transformers/chat_templating",
    "A chat template already writes the special tokens; tokenizing its text needs "
    "add_special_tokens=False.",
)
QLORA_GUIDE = Evidence(
    "qlora-guide",
    "D",
    "Hugging Face, PEFT documentation: Quantization; Fully Sharded Data Parallel",
    "https://huggingface.co/docs/peft/developer_guides/quantization",
    "Call prepare_model_for_kbit_training before get_peft_model; with FSDP set "
    "bnb_4bit_quant_storage to the dtype of the other parameters.",
)
ACCELERATE_SOURCE = Evidence(
    "accelerate-source",
    "A",
    "Hugging Face, accelerate 1.15.0: accelerator.py, lines 1470 to 1481 and 1816 to 1849",
    "https://github.com/huggingface/accelerate",
    "Refuses a model spread over several devices, quantized or not, in any distributed mode.",
)
ZERO_ISSUES = Evidence(
    "zero-issues",
    "D",
    "Issues of PEFT (2892), DeepSpeed (4295), LongLoRA (160) and LLaMA-Factory (852)",
    "https://github.com/huggingface/peft/issues/2892",
    "Adapters saved with save_pretrained under ZeRO-3 are empty or a fragment.",
)
