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
    "Hugging Face, transformers 5.24.0: training_args.py, utils/quantization_config.py",
    "https://github.com/huggingface/transformers",
)
TRANSFORMERS_WHEELS = Source(
    "transformers-wheels",
    MECHANICAL,
    "Hugging Face, transformers: training_args.py, trainer_callback.py and optimization.py of 21 "
    "versions from 4.30.0 to 5.23.0, and 5.24.0 run",
    "https://pypi.org/project/transformers/",
)
DEEPSPEED_SOURCE = Source(
    "deepspeed-source",
    MECHANICAL,
    "DeepSpeed, runtime/zero/partition_parameters.py at 195255e (0.19.3) and before; "
    "runtime/zero/config.py",
    "https://github.com/deepspeedai/DeepSpeed",
)
MS_SWIFT_DOCS = Source(
    "ms-swift-docs",
    PRACTICE,
    "ms-swift 4, docs/source_en/Instruction/Frequently-asked-questions.md and "
    "examples/train/new_special_tokens/train.sh",
    "https://github.com/modelscope/ms-swift/tree/main/examples/train/new_special_tokens",
)
TORCHTUNE_WHEELS = Source(
    "torchtune-wheels",
    MECHANICAL,
    "torchtune, the wheels of 0.0.1 to 0.6.1 and its development version (bd2a0fc), read; "
    "0.6.1 run: tune validate, config.instantiate",
    "https://github.com/meta-pytorch/torchtune",
)
BASH = Source(
    "bash",
    MECHANICAL,
    "Free Software Foundation, GNU bash 5.2, run, and its reference manual: Escape Character, "
    "Comments",
    "https://www.gnu.org/software/bash/manual/bash.html",
)
FRAMEWORK_SOURCES = Source(
    "framework-sources",
    MECHANICAL,
    "axolotl 067b021, LLaMA-Factory ff6d4d1, TRL f2cd577, oumi d8ed077 and others, read in 2026",
    "https://github.com/axolotl-ai-cloud/axolotl",
)
QUANTIZATION_SOURCES = Source(
    "framework-quantization",
    MECHANICAL,
    "LLaMA-Factory ff6d4d1 (model/model_utils/quantization.py), ms-swift 3602360 "
    "(arguments/base_args/quant_args.py), Oumi d8ed077 (builders/models.py), TRL 1.16.0 "
    "(trainer/utils.py), read in 2026",
    "https://github.com/hiyouga/LLaMA-Factory",
)
LLAMAFACTORY_TEMPLATES = Source(
    "llamafactory-templates",
    MECHANICAL,
    "LLaMA-Factory 0.9.5: extras/constants.py, data/template.py",
    "https://github.com/hiyouga/LLaMA-Factory",
)
LLAMAFACTORY_QUANTIZATION = Source(
    "llamafactory-quantization",
    MECHANICAL,
    "LLaMA-Factory 0.9.2 to 0.9.5: model/model_utils/quantization.py, configure_quantization",
    "https://github.com/hiyouga/LLaMA-Factory",
)
LLAMAFACTORY_DATA = Source(
    "llamafactory-data",
    MECHANICAL,
    "LLaMA-Factory 0.9.5: data/parser.py, data/converter.py, data/loader.py, data/processor, run",
    "https://github.com/hiyouga/LLaMA-Factory",
)
LLAMAFACTORY_EXPORT = Source(
    "llamafactory-export",
    MECHANICAL,
    "LLaMA-Factory 0.9.5: train/tuner.py, hparams/parser.py, model/model_utils/quantization.py",
    "https://github.com/hiyouga/LLaMA-Factory",
)
FLOAT16_OVERFLOWS = Source(
    "float16-overflows",
    PRACTICE,
    "Answers of the makers: zai-org/GLM-4 issues 96 and 188, QwenLM/Qwen3 issues 670 and 868; "
    "Unsloth's account of Gemma 3 and 3n in float16 (unsloth.ai/blog/gemma3)",
    "https://github.com/zai-org/GLM-4/issues/96",
)
OMEGACONF = Source(
    "omegaconf",
    MECHANICAL,
    "OmegaConf 2.4.0 (its YAML loader), PyYAML 6.0.4, json and argparse of Python 3.11, run",
    "https://github.com/omry/omegaconf",
)
OFFICIAL_RECIPES = Source(
    "official-recipes",
    PRACTICE,
    "309 LoRA recipes shipped by axolotl (178), torchtune (103) and LLaMA-Factory (28)",
    "https://github.com/axolotl-ai-cloud/axolotl/tree/main/examples",
)
LORALIB_RECIPES = Source(
    "loralib-recipes",
    PRACTICE,
    "Microsoft, loralib c4593f0: examples/NLG/README.md, the LoRA paper's GPT-2 recipe",
    "https://github.com/microsoft/LoRA",
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
QLORA_RECIPES = Source(
    "qlora-recipes",
    PRACTICE,
    "Dettmers and others, qlora 7f4e95a: scripts/finetune_guanaco_*.sh",
    "https://github.com/artidoro/qlora",
)
SCHULMAN_2025 = Source(
    "schulman-2025",
    MEASURED,
    "Schulman and Thinking Machines Lab 2025: LoRA Without Regret",
    "https://thinkingmachines.ai/blog/lora/",
    by="Thinking Machines Lab",
)
TRL_LORA_GUIDE = Source(
    "trl-lora-guide",
    GUIDANCE,
    "Hugging Face, TRL f2cd577: docs/source/lora_without_regret.md",
    "https://huggingface.co/docs/trl/lora_without_regret",
)
MORRIS_2026 = Source(
    "morris-2026",
    MEASURED,
    "Morris, Mireshghallah, Ibrahim, Mahloujifar 2026: Learning to Reason in 13 Parameters",
    "https://arxiv.org/abs/2602.04118",
    by="Morris, Mireshghallah, Ibrahim and Mahloujifar",
)
STRUCTURE_OVER_SCALE = Source(
    "structure-over-scale",
    MEASURED,
    "Structure Over Scale: Rethinking Adaptation for Reinforcement Learning with Verifiable "
    "Rewards, FoGen workshop of ICML 2026",
    "https://openreview.net/forum?id=XGZHI14m8P",
    by="the authors of Structure Over Scale",
)
YIN_2025 = Source(
    "yin-2025",
    MEASURED,
    "Yin, Wu, Shen and others 2025: Evaluating Parameter Efficient Methods for RLVR",
    "https://arxiv.org/abs/2512.23165",
    by="Zhejiang University",
)
ZHANG_2026 = Source(
    "zhang-2026",
    MEASURED,
    "Zhang, Zhu, Zhu, Shi 2026: Geometry-Preserving Orthonormal Initialization for Low-Rank "
    "Adaptation in RLVR",
    "https://arxiv.org/abs/2606.31813",
    by="Zhang, Zhu, Zhu and Shi",
)
GEORA_2026 = Source(
    "geora-2026",
    MEASURED,
    "Zhang, Shi, Li and others 2026: GeoRA: Geometry-Aware Low-Rank Adaptation for RLVR, version 1",
    "https://arxiv.org/abs/2601.09361v1",
    by="Meituan",
)
ZHU_2025 = Source(
    "zhu-2025",
    MEASURED,
    "Zhu, Zhang, Huang and others 2025: The Path Not Taken: RLVR Provably Learns Off the "
    "Principals",
    "https://arxiv.org/abs/2511.08567",
    by="Meta",
)
LORA_CAPACITY = Source(
    "lora-capacity",
    MEASURED,
    "Schulman and Thinking Machines Lab 2025, after Allen-Zhu and Li 2024: what a parameter holds",
    "https://thinkingmachines.ai/blog/lora/",
    by="Thinking Machines Lab",
)
TINKER_FORMULA = Source(
    "tinker-formula",
    MEASURED,
    "Thinking Machines Lab 2026: tinker-cookbook 9dfcc3a, hyperparam_utils.py, get_lr",
    "https://github.com/thinking-machines-lab/tinker-cookbook",
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
CLOUDCODETREE = Source(
    "cloudcodetree",
    CONVENTION,
    "Harper 2026 (CloudCodeTree): LoRA Hyperparameters Demystified",
    "https://cloudcodetree.com/ai-news/2026-07-04-01-lora-rank-alpha-hyperparameters/",
)
BREWSLM = Source(
    "brewslm",
    CONVENTION,
    "BrewSLM Academy, SFT fundamentals, lesson 14: LoRA knobs",
    "https://brewslm.com/academy/sft-fundamentals/lora-knobs.html",
)
AI_TRAINER_ACADEMY = Source(
    "ai-trainer-academy",
    CONVENTION,
    "Osei (AI Trainer Academy): The Practical Guide to LoRA Fine-tuning Parameters",
    "https://www.ai-trainer-academy.top/blog/guide-to-lora-tuning-parameters",
)
BRENNDOERFER_2025 = Source(
    "brenndoerfer-2025",
    CONVENTION,
    "Brenndoerfer 2025: LoRA Hyperparameters: Rank, Alpha & Target Module Selection",
    "https://mbrenndoerfer.com/writing/lora-hyperparameters-rank-alpha-target-modules",
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
LIU_2024 = Source(
    "liu-2024",
    MEASURED,
    "Liu, Wang, Yin and others 2024: DoRA: Weight-Decomposed Low-Rank Adaptation",
    "https://arxiv.org/abs/2402.09353",
    by="NVIDIA",
)
LEE_2026 = Source(
    "lee-2026",
    MEASURED,
    "Lee, Ko, Chen, Yeh 2026: Learning Rate Matters: Vanilla LoRA May Suffice for LLM Fine-tuning",
    "https://arxiv.org/abs/2602.04998",
    by="Lee, Ko, Chen and Yeh",
)
VLLM_SOURCE = Source(
    "vllm-source",
    MECHANICAL,
    "vLLM, read in 2026: lora/peft_helper.py (PEFTHelper); 0.22.1: config/lora.py",
    "https://github.com/vllm-project/vllm",
)
VLLM_TOWERS = Source(
    "vllm-towers",
    MECHANICAL,
    "vLLM: lora/model_manager.py (01533aa), issues 23796 and 31479, pull request 35147",
    "https://github.com/vllm-project/vllm/pull/35147",
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
    "Thinking Machines Lab 2026: tinker-cookbook 9dfcc3a, supervised LoRA sweep over 35 models",
    "https://github.com/thinking-machines-lab/tinker-cookbook",
    by="Thinking Machines Lab",
)
TINKER_GUIDE = Source(
    "tinker-guide",
    GUIDANCE,
    "Thinking Machines Lab, tinker-cookbook 9dfcc3a: skills/research/references/hyperparams.md",
    "https://github.com/thinking-machines-lab/tinker-cookbook",
)
QU_2026 = Source(
    "qu-2026",
    MEASURED,
    "Qu, Huang, Horvath 2026: Can Muon Fine-tune Adam-Pretrained Models?",
    "https://arxiv.org/abs/2605.10468",
    by="Qu, Huang and Horvath",
)
CESISTA_2026 = Source(
    "cesista-2026",
    MEASURED,
    "Cesista, Crowson, Simal, Biderman 2026: LoRA-Muon: Spectral Steepest Descent on the Low-Rank "
    "Manifold",
    "https://arxiv.org/abs/2606.12921",
    by="Cesista, Crowson, Simal and Biderman",
)
BIDERMAN_2024 = Source(
    "biderman-2024",
    MEASURED,
    "Biderman, Portes, Ortiz and others 2024: LoRA Learns Less and Forgets Less",
    "https://arxiv.org/abs/2405.09673",
    by="Columbia University and Databricks",
)
RATHORE_2025 = Source(
    "rathore-2025",
    MEASURED,
    "Rathore, Kumar, Bansal, Moitra 2025: How Much is Too Much? Exploring LoRA Rank Trade-offs",
    "https://arxiv.org/abs/2512.15634",
    by="Rathore, Kumar, Bansal and Moitra",
)
MANZONI_2026 = Source(
    "manzoni-2026",
    MEASURED,
    "Manzoni 2026: MoE-Sieve: Routing-Guided LoRA for Efficient MoE Fine-Tuning",
    "https://arxiv.org/abs/2603.24044",
    by="Manzoni",
)
CHEN_2026 = Source(
    "chen-2026",
    MEASURED,
    "Chen, Villar, Hayou 2026: learning rate scaling across LoRA ranks",
    "https://arxiv.org/abs/2602.06204",
    by="Chen, Villar and Hayou",
)
MIND_LAB_2026 = Source(
    "mind-lab-2026",
    MEASURED,
    "Mind Lab 2026: Triquetra for LoRA's entangled knobs",
    "https://macaron.im/mindlab/research/"
    "triquetra-for-loras-entangled-knobs-when-lora-rank-changes-how-should-learning-rate-move",
    by="Mind Lab",
)
ZHANG_2026 = Source(
    "zhang-2026",
    MEASURED,
    "Zhang, Li, Wang and others 2026: The Hidden Power of Scaling Factor in LoRA Optimization",
    "https://arxiv.org/abs/2606.12883",
    by="JD",
)
HAYOU_2024 = Source(
    "hayou-2024",
    MEASURED,
    "Hayou, Ghosh, Yu 2024: LoRA+: Efficient Low Rank Adaptation of Large Models",
    "https://arxiv.org/abs/2402.12354",
    by="Hayou, Ghosh and Yu",
)
LORA_PLUS_SCRIPTS = Source(
    "lora-plus-scripts",
    PRACTICE,
    "Hayou, Ghosh, Yu 2024: loraplus a0c44bf, README and glue/scripts",
    "https://github.com/nikhil-ghosh-berkeley/loraplus",
)
PREFERENCE_PRACTICE = Source(
    "preference-practice",
    GUIDANCE,
    "Learning rates for LoRA in TRL f2cd577 (docs/source and examples/scripts), tinker-cookbook "
    "9dfcc3a and alignment-handbook",
    "https://huggingface.co/docs/trl/peft_integration",
)
TRL_SOURCE = Source(
    "trl-source",
    MECHANICAL,
    "Hugging Face, TRL 1.16.0: trainer/sft_config.py, sft_trainer.py; fields of 38 versions",
    "https://github.com/huggingface/trl",
)
TRL_PACKING = Source(
    "trl-packing",
    MECHANICAL,
    "SFTTrainer of TRL 0.16.1 to 1.16.0 run with packing on a tiny Llama, transformers 4.56 and "
    "5.24",
    "tools/evidence/packing_isolation.py",
)
BITSANDBYTES_SOURCE = Source(
    "bitsandbytes-source",
    MECHANICAL,
    "bitsandbytes 0.50: nn/modules.py (Linear4bit); transformers 5.23.0: quantizers/auto.py",
    "https://github.com/bitsandbytes-foundation/bitsandbytes",
)
TORCH_SOURCE = Source(
    "torch-source",
    MECHANICAL,
    "PyTorch 2.13.0: cuda/__init__.py (is_bf16_supported), amp/grad_scaler.py, number formats",
    "https://github.com/pytorch/pytorch",
)
FLASH_ATTENTION = Source(
    "flash-attention",
    MECHANICAL,
    "Dao-AILab, flash-attention 2: README and csrc/flash_attn/flash_api.cpp",
    "https://github.com/Dao-AILab/flash-attention",
)
UNSLOTH_SOURCE = Source(
    "unsloth-source",
    MECHANICAL,
    "Unsloth 2026.8.19 (015bdef): models/llama.py, models/vision.py",
    "https://github.com/unslothai/unsloth",
)
WANG_2025 = Source(
    "wang-2025",
    MEASURED,
    "Wang, Hu, Gao and others 2025: Entropy-Guided Token Dropout: Training Autoregressive Language "
    "Models with Limited Domain Data",
    "https://arxiv.org/abs/2512.23422",
    by="Renmin University of China",
)
KOPICZKO_2026 = Source(
    "kopiczko-2026",
    MEASURED,
    "Kopiczko, Vaze, Blankevoort, Asano 2026: Data Repetition Beats Data Scaling in Long-CoT "
    "Supervised Fine-Tuning",
    "https://arxiv.org/abs/2602.11149",
    by="Kopiczko, Vaze, Blankevoort and Asano",
)
LIMA_2023 = Source(
    "lima-2023",
    PRACTICE,
    "Zhou, Liu, Xu and others 2023: LIMA: Less Is More for Alignment",
    "https://arxiv.org/abs/2305.11206",
)
TULU_3 = Source(
    "tulu-3",
    PRACTICE,
    "Allen Institute for AI, open-instruct e6c3044: docs/tulu3.md",
    "https://github.com/allenai/open-instruct/blob/main/docs/tulu3.md",
)
CHATTERJEE_2025 = Source(
    "chatterjee-2025",
    MEASURED,
    "Chatterjee, Renduchintala, Bhatia, Chakraborty 2025: On the Effect of Instruction Tuning Loss "
    "on Generalization",
    "https://arxiv.org/abs/2507.07817",
    by="IIT Delhi and Adobe",
)
HUERTA_2024 = Source(
    "huerta-2024",
    MEASURED,
    "Huerta-Enochian, Ko 2024: Instruction Fine-Tuning: Does Prompt Loss Matter?",
    "https://arxiv.org/abs/2401.13586",
    by="EQ4ALL",
)
SHI_2024 = Source(
    "shi-2024",
    MEASURED,
    "Shi, Yang, Wu and others 2024: Instruction Tuning With Loss Over Instructions",
    "https://arxiv.org/abs/2405.14394",
    by="University College London",
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
MEMORY_SUMS = Source(
    "memory-sums",
    MECHANICAL,
    "Sizes added up: parameters from the models' configurations, bytes of each as PEFT 0.21.2, "
    "torch 2.13.0 and bitsandbytes 0.50.2 keep them",
    "tools/evidence/memory_numbers.py",
)
MEMORY_TRAPS = Source(
    "memory-traps",
    MECHANICAL,
    "TRL 0.26 to 1.16 trainer/utils.py; transformers 5.24 integrations/bitsandbytes.py; PEFT "
    "0.21.2 utils/other.py",
    "https://github.com/huggingface/trl/blob/main/trl/trainer/utils.py",
)
OWN_RULES = Source("own-rules", MECHANICAL, "lora-lint's own syntax", "README.md, Settings")
SCRIPT_RUNS = Source(
    "script-runs",
    MECHANICAL,
    "Short scripts run with PEFT 0.21.2, transformers 5.24.0, TRL 1.16.0, accelerate 1.15.0, "
    "bitsandbytes 0.50.2 and torch 2.13 on tiny models",
    "tests/rules/checks/test_script_truth.py",
)
RELEASES_READ = Source(
    "releases-read",
    MECHANICAL,
    "Hugging Face, release by release: accelerate 1.13 to 1.15, PEFT 0.1 to 0.21, TRL 0.16 to 0.29 "
    "and 1.16, transformers 4.57.1 and 5.0 to 5.24",
    "https://github.com/huggingface",
)
TRL_CALLBACKS = Source(
    "trl-callbacks",
    MECHANICAL,
    "Hugging Face, TRL 0.7.4 to 1.16.0: trainer/grpo_trainer.py, sft_trainer.py of 20 versions",
    "https://github.com/huggingface/trl",
)
REWARD_FUNCTION_ISSUES = Source(
    "reward-function-issues",
    GUIDANCE,
    "Issues of TRL (4939: no keyword arguments; 6533: one reward for all completions)",
    "https://github.com/huggingface/trl/issues/6533",
)
COMPUTE_LOSS_ISSUES = Source(
    "compute-loss-issues",
    GUIDANCE,
    "Issues of transformers (35838, 36331) and sail-sg/closer-look-LLM-unlearning (1)",
    "https://github.com/huggingface/transformers/issues/36331",
)
FORMATTING_ISSUES = Source(
    "formatting-issues",
    GUIDANCE,
    "Issue 439 and pull request 444 of TRL: one text for a batch of a thousand rows",
    "https://github.com/huggingface/trl/issues/439",
)
DISABLED_ADAPTER_ISSUES = Source(
    "disabled-adapter-issues",
    GUIDANCE,
    "Issues of PEFT (430, 912): the adapter stays after disable_adapter()",
    "https://github.com/huggingface/peft/issues/430",
)
BASE_KEPT_ISSUES = Source(
    "base-kept-issues",
    GUIDANCE,
    "Issues of PEFT (515, 1161): base model and PeftModel answer alike",
    "https://github.com/huggingface/peft/issues/1161",
)
ENGINE_ADAPTER_ISSUES = Source(
    "engine-adapter-issues",
    GUIDANCE,
    "Issue 2710 of vLLM: a PeftModel around LLM",
    "https://github.com/vllm-project/vllm/issues/2710",
)
RESULT_ISSUES = Source(
    "result-issues",
    GUIDANCE,
    "Pull requests 154 and 322 of alpaca-lora: the model is None after loading",
    "https://github.com/tloen/alpaca-lora/pull/322",
)
PADDED_PROMPT_ISSUES = Source(
    "padded-prompt-issues",
    GUIDANCE,
    "Issues of alpaca-lora (20, 589), philschmid/sagemaker-huggingface-llama-2-samples (5) and "
    "Unsloth (772): batches of prompts",
    "https://github.com/tloen/alpaca-lora/issues/20",
)
FSDP_DTYPE_ISSUES = Source(
    "fsdp-dtype-issues",
    GUIDANCE,
    "Issues of eric-mitchell/direct-preference-optimization (90) and H2O LLM Studio (98): uniform "
    "dtype",
    "https://github.com/eric-mitchell/direct-preference-optimization/issues/90",
)
BASE_TEMPLATE_ISSUES = Source(
    "base-template-issues",
    GUIDANCE,
    "Issues of Julia-LiuJ/NLFT (3), OpenRLHF (613), sglang (3385) and mlx-examples (1243): "
    "chat_template is not set",
    "https://github.com/Julia-LiuJ/NLFT/issues/3",
)
MARKER_ISSUES = Source(
    "marker-issues",
    GUIDANCE,
    "Issues of Unsloth (1128, 2900, 3323): all labels are -100",
    "https://github.com/unslothai/unsloth/issues/1128",
)
OLD_PEFT_ISSUES = Source(
    "old-peft-issues",
    GUIDANCE,
    "Issues of PEFT (1991), autotrain-advanced (324), qlora (29) and transformers (28193)",
    "https://github.com/huggingface/peft/issues/1991",
)
CHAT_TEMPLATES = Source(
    "chat-templates",
    MECHANICAL,
    "Chat templates of Llama 3 and Gemma in TRL 1.16.0 (chat_templates/), of Llama 2 in the "
    "documentation of transformers, of Mistral-7B-Instruct-v0.2 in its tokenizer_config.json",
    "https://github.com/huggingface/trl/tree/main/trl/chat_templates",
)
LLAMA_TWO_STARTS = Source(
    "llama-two-starts",
    GUIDANCE,
    "Discussion 97 of meta-llama/Llama-3.1-8B-Instruct: two BOS token id is right?",
    "https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct/discussions/97",
)
PAD_IS_EOS_ISSUES = Source(
    "pad-is-eos-issues",
    GUIDANCE,
    "Issues of TRL (734, 976) and transformers (23530): models that never write the end token",
    "https://github.com/huggingface/trl/issues/976",
)
UNSLOTH_TEMPLATES = Source(
    "unsloth-templates",
    MECHANICAL,
    "Unsloth 2026.10.9: chat_templates.py",
    "https://github.com/unslothai/unsloth",
)
UNSLOTH_TEMPLATE_ISSUES = Source(
    "unsloth-template-issues",
    GUIDANCE,
    "Issue 915 of Unsloth: a template whose tokens the model has not learned",
    "https://github.com/unslothai/unsloth/issues/915",
)
PADDING_ID_ISSUES = Source(
    "padding-id-issues",
    GUIDANCE,
    "Issues of transformers (34055: Llama 3.1) and TRL (422: Pythia): no padding token is defined",
    "https://github.com/huggingface/transformers/issues/34055",
)
RESPONSE_TEMPLATE_ISSUES = Source(
    "response-template-issues",
    GUIDANCE,
    "Issues of TRL (598, 1820, 1920): Could not find response key",
    "https://github.com/huggingface/trl/issues/1820",
)
OTHER_CLASS_ISSUES = Source(
    "other-class-issues",
    GUIDANCE,
    "Pull requests 2084 and 2118 of PEFT: a warning where an adapter's weights are not found",
    "https://github.com/huggingface/peft/pull/2118",
)
DOUBLE_BOS_ISSUES = Source(
    "double-bos-issues",
    GUIDANCE,
    "Issues of TRL (1400) and OpenRLHF (393), pull request 788 of MakazhanAlpamys/Soup: two start "
    "tokens from a template and a tokenizer",
    "https://github.com/huggingface/trl/issues/1400",
)
PADDED_LABELS_ISSUES = Source(
    "padded-labels-issues",
    GUIDANCE,
    "Issues of transformers (1713, 32832): the loss of a causal model over padded labels",
    "https://github.com/huggingface/transformers/issues/32832",
)
QLORA_GUIDE = Source(
    "qlora-guide",
    GUIDANCE,
    "Hugging Face, PEFT documentation at 5d602fd: Quantization; Fully Sharded Data Parallel",
    "https://huggingface.co/docs/peft/developer_guides/quantization",
)
ACCELERATE_SOURCE = Source(
    "accelerate-source",
    MECHANICAL,
    "Hugging Face, accelerate 1.15.0: accelerator.py, utils/fsdp_utils.py",
    "https://github.com/huggingface/accelerate",
)
FSDP2_QLORA = Source(
    "fsdp2-qlora",
    GUIDANCE,
    "Hugging Face, accelerate: issue 3983 and pull request 3987, QLoRA under FSDP2, 2026",
    "https://github.com/huggingface/accelerate/issues/3983",
)
ZERO_ISSUES = Source(
    "zero-issues",
    GUIDANCE,
    "Issues of PEFT (939), DeepSpeed (4295) and TRL (4416): adapters saved under ZeRO-3",
    "https://github.com/huggingface/trl/issues/4416",
)
FSDP_ISSUES = Source(
    "fsdp-issues",
    GUIDANCE,
    "Issues of PyTorch (100945, 104690): a PEFT model wrapped by FullyShardedDataParallel",
    "https://github.com/pytorch/pytorch/issues/100945",
)
ADDED_RESUMED = Source(
    "added-adapter-resumed",
    MECHANICAL,
    "Hugging Face, transformers: trainer.py of 4.33.2, 4.40.2, 4.44.2, 4.50.3, 4.57.1, 5.3.0, "
    "5.10.2 and 5.15.0, and 5.24.0 run",
    "https://pypi.org/project/transformers/",
)
FLOAT16_ISSUES = Source(
    "float16-issues",
    GUIDANCE,
    "PyTorch forum, topic 1765, pytorch#8860 and glide-finetune#5: Adam on float16 weights",
    "https://discuss.pytorch.org/t/adam-half-precision-nans/1765",
)
MINIMAL_PEFT = Source(
    "minimal-peft",
    MECHANICAL,
    "Hugging Face, transformers: integrations/peft.py of 4.33.2, 4.40.2, 4.44.2, 4.50.3, 4.57.1 "
    "and of every minor release from 5.0 to 5.24",
    "https://pypi.org/project/transformers/",
)
LAYERS_READ = Source(
    "layers-read",
    MECHANICAL,
    "Hugging Face, PEFT: tuners/lora.py of 0.5.0, tuners/tuners_utils.py of 0.6.2, 0.7.1, 0.8.2 "
    "and 0.9.0",
    "https://pypi.org/project/peft/",
)
OWN_CODE_ISSUES = Source(
    "own-code-issues",
    GUIDANCE,
    "LMFlow#606 (Replit Code) and Baichuan-13B#52: models with code of their own and no targets",
    "https://github.com/OptimalScale/LMFlow/issues/606",
)
