"""What LL012 reports of files: severity, key, the lines that are refused, and repaired lines."""

from __future__ import annotations

from lora_rules.engine.keys import kebab

E, W = "error", "warning"

HEADS = {
    "axolotl": "base_model: a/b\nlora_r: 16\nlora_alpha: 32\n",
    "llamafactory": "model_name_or_path: a/b\nfinetuning_type: lora\nlora_rank: 8\n",
    "ms-swift": "model: a/b\ntuner_type: lora\ndataset: [c/d]\n",
    "trl": "model_name_or_path: a/b\nuse_peft: true\n",
    "litgpt": "checkpoint_dir: a/b\nlora_r: 8\nlora_query: true\n",
    "torchtune": "recipe: {_component_: torchtune.x}\n",
    "ludwig": "model_type: llm\nbase_model: a/b\ninput_features: [{name: a, type: text}]\n"
    "output_features: [{name: b, type: text}]\n",
    "oumi": "",
    "nemo-automodel": "recipe: x\nstep_scheduler: {num_epochs: 1}\n"
    "model: {_target_: nemo_automodel.M}\n",
    "llm-foundry": "max_duration: 1ep\n",
    "ai-toolkit": "job: extension\n",
    "llamafactory-infer": "",
    "mlx-lm": "fine_tune_type: lora\niters: 100\n",
    "verl": "actor_rollout_ref:\n  rollout: {name: vllm}\n",
    "sd-scripts": "network_module: networks.lora\n",
    "openrlhf": "",
    "skyrl": "",
    "prime-rl": "",
    "qlora-pipe": "model: m\noutput_dir: o\n",
    "diffusion-pipe": "dataset: d.toml\noptimizer: {type: adamw}\n",
    "autotrain": "task: llm-sft\nbase_model: a/b\ndata: {path: c}\nparams: {peft: true}\n"
    "backend: local\n",
}
L, Q = "adapter: lora\n", "adapter: qlora\nload_in_4bit: true\n"
MISTRAL = "base_model: mistralai/Mistral-7B-v0.1\n"

AXOLOTL = [
    (E, "axolotl/qlora-needs-load-in-4bit", "adapter: qlora\n", Q),
    (E, "axolotl/qlora-with-load-in-8bit", Q + "load_in_8bit: true\n", L + "load_in_8bit: true\n"),
    (E, "axolotl/qlora-with-gptq", Q + "gptq: true\n", L + "gptq: true\n"),
    (
        E,
        "axolotl/merge-lora-with-qlora-in-4bit",
        Q + "merge_lora: true\n",
        "adapter: qlora\nmerge_lora: true\n",
    ),
    (
        E,
        "axolotl/peft-layers-to-transform-with-unfrozen-parameters",
        L + "peft_layers_to_transform: [0]\nunfrozen_parameters: [x]\n",
        L + "peft_layers_to_transform: [0]\n",
    ),
    (
        E,
        "axolotl/lr-groups-with-loraplus",
        L + "lr_groups: [{name: a, modules: [b], lr: 1.0e-4}]\nloraplus_lr_ratio: 16\n",
        L + "loraplus_lr_ratio: 16\n",
    ),
    (E, "axolotl/flash-attn-fuse-mlp-with-lora", L + "flash_attn_fuse_mlp: true\n", L),
    (E, "axolotl/use-onebitllms-with-lora", L + "use_onebitllms: true\n", L),
    (
        E,
        "axolotl/lora-kernels-with-load-in-8bit",
        L + "load_in_8bit: true\nlora_mlp_kernel: true\n",
        L + "load_in_8bit: true\nlora_mlp_kernel: false\n",
    ),
    (
        E,
        "axolotl/lora-kernels-with-trust-remote-code",
        L + "trust_remote_code: true\nlora_o_kernel: true\n",
        L + "trust_remote_code: true\n",
    ),
    (
        E,
        "axolotl/quantize-moe-experts-with-lora-target-linear",
        Q + "quantize_moe_experts: true\nlora_target_linear: true\n",
        Q + "quantize_moe_experts: true\n",
    ),
    (E, "axolotl/quantize-moe-experts-needs-quantization", L + "quantize_moe_experts: true\n", L),
    (
        E,
        "axolotl/qat-with-quantization",
        Q + "qat: {weight_dtype: int4}\n",
        L + "qat: {weight_dtype: int4}\n",
    ),
    (
        E,
        "axolotl/model-quantization-config-with-quantization",
        Q + "model_quantization_config: Mxfp4Config\n",
        L + "model_quantization_config: Mxfp4Config\n",
    ),
    (
        E,
        "axolotl/max-memory-with-gpu-memory-limit",
        L + "max_memory: 10GB\ngpu_memory_limit: 10GB\n",
        L + "gpu_memory_limit: 10GB\n",
    ),
    (
        E,
        "axolotl/relora-needs-jagged-restart-steps",
        L + "relora: true\n",
        L + "relora: true\njagged_restart_steps: 9\n",
    ),
    (
        E,
        "axolotl/relora-with-sharding",
        L + "relora: true\njagged_restart_steps: 9\ndeepspeed: a.json\n",
        L + "deepspeed: a.json\n",
    ),
    (
        E,
        "axolotl/relora-with-one-cycle",
        L + "relora: true\njagged_restart_steps: 9\nlr_scheduler: one_cycle\n",
        L + "relora: true\njagged_restart_steps: 9\nlr_scheduler: cosine\n",
    ),
    (
        E,
        "axolotl/unfrozen-parameters-with-reentrant-checkpointing",
        L + "unfrozen_parameters: [x]\ngradient_checkpointing_kwargs: {use_reentrant: true}\n",
        L + "unfrozen_parameters: [x]\ngradient_checkpointing_kwargs: {use_reentrant: false}\n",
    ),
    *(
        (
            E,
            f"axolotl/{kebab(one)}-with-{kebab(other)}",
            f"{L}{one}: 4\n{other}: 2\n",
            f"{L}{one}: 4\n{other}: 0\n",
        )
        for one, other in (
            ("warmup_steps", "warmup_ratio"),
            ("saves_per_epoch", "save_steps"),
            ("evals_per_epoch", "eval_steps"),
            ("gradient_accumulation_steps", "batch_size"),
        )
    ),
    (
        E,
        "axolotl/test-datasets-with-val-set-size",
        L + "test_datasets: [{path: a}]\nval_set_size: 0.1\n",
        L + "test_datasets: [{path: a}]\n",
    ),
    *(
        (
            E,
            f"axolotl/{kebab(steps)}-needs-{kebab(strategy)}-steps",
            f"{L}{steps}: 4\n{strategy}: epoch\n",
            f"{L}{steps}: 4\n{strategy}: steps\n",
        )
        for steps, strategy in (
            ("save_steps", "save_strategy"),
            ("eval_steps", "eval_strategy"),
            ("evals_per_epoch", "eval_strategy"),
        )
    ),
    (
        E,
        "axolotl/evaluation-needs-evaluation-data",
        L + "val_set_size: 0\neval_steps: 10\n",
        L + "val_set_size: 0\neval_steps: 10\ntest_datasets: [{path: a}]\n",
    ),
    (
        E,
        "axolotl/do-bench-eval-needs-eval-steps",
        L + "do_bench_eval: true\n",
        L + "do_bench_eval: true\neval_steps: 9\n",
    ),
    (
        E,
        "axolotl/save-strategy-best-needs-metric",
        L + "save_strategy: best\n",
        L + "save_strategy: best\nmetric_for_best_model: eval_loss\n",
    ),
    (
        W,
        "axolotl/hub-model-id-with-save-strategy-no",
        L + "hub_model_id: a/b\nsave_strategy: no\n",
        L + "hub_model_id: a/b\nsave_strategy: epoch\n",
    ),
    (
        W,
        "axolotl/early-stopping-needs-save-and-eval-steps",
        L + "early_stopping_patience: 3\n",
        L + "early_stopping_patience: 3\nsave_steps: 20\neval_steps: 10\n",
    ),
    (
        E,
        "axolotl/early-stopping-needs-save-steps-multiple",
        L + "early_stopping_patience: 3\nsave_steps: 25\neval_steps: 10\n",
        L + "save_steps: 25\neval_steps: 10\n",
    ),
    (
        E,
        "axolotl/pretraining-dataset-needs-max-steps",
        L + "pretraining_dataset: [{path: a}]\n",
        L + "pretraining_dataset: [{path: a}]\nmax_steps: 9\n",
    ),
    (
        E,
        "axolotl/streaming-with-val-set-size",
        L + "streaming: true\nmax_steps: 9\nval_set_size: 0.1\n",
        L + "streaming: true\nmax_steps: 9\nval_set_size: 0\n",
    ),
    (E, "axolotl/streaming-needs-max-steps", L + "streaming: true\n", L + "streaming: false\n"),
    (
        E,
        "axolotl/streaming-several-datasets-with-sample-packing",
        L + "streaming: true\nmax_steps: 9\nsample_packing: true\n"
        "datasets: [{path: a}, {path: b}]\n",
        L + "streaming: true\nmax_steps: 9\nsample_packing: true\ndatasets: [{path: a}]\n",
    ),
    (
        E,
        "axolotl/deduplication-with-streaming",
        L + "dataset_exact_deduplication: true\nstreaming: true\nmax_steps: 9\n",
        L + "dataset_exact_deduplication: true\n",
    ),
    (
        E,
        "axolotl/deduplication-with-skip-prepare-dataset",
        L + "dataset_exact_deduplication: true\nskip_prepare_dataset: true\n",
        L + "skip_prepare_dataset: true\n",
    ),
    (
        E,
        "axolotl/push-dataset-to-hub-needs-token",
        L + "push_dataset_to_hub: a/b\n",
        L + "push_dataset_to_hub: a/b\nhf_use_auth_token: true\n",
    ),
    (
        E,
        "axolotl/chat-template-jinja-needs-template",
        L + "chat_template: jinja\n",
        L + "chat_template: chatml\n",
    ),
    (
        E,
        "axolotl/eval-table-size-with-eval-sample-packing",
        L + "sample_packing: true\neval_table_size: 5\n",
        L + "sample_packing: true\neval_table_size: 5\neval_sample_packing: false\n",
    ),
    (
        E,
        "axolotl/do-causal-lm-eval-with-eval-sample-packing",
        L + "do_causal_lm_eval: true\neval_sample_packing: true\n",
        L + "do_causal_lm_eval: true\neval_sample_packing: false\n",
    ),
    (
        E,
        "axolotl/neftune-noise-alpha-not-positive",
        L + "neftune_noise_alpha: 0\n",
        L + "neftune_noise_alpha: 5\n",
    ),
    (E, "axolotl/rl-with-sample-packing", L + "rl: dpo\nsample_packing: true\n", L + "rl: dpo\n"),
    (
        E,
        "axolotl/kto-with-eval-sample-packing",
        L + "rl: kto\nremove_unused_columns: false\neval_sample_packing: true\n",
        L + "rl: kto\nremove_unused_columns: false\n",
    ),
    (
        E,
        "axolotl/kto-needs-remove-unused-columns-off",
        L + "rl: kto\n",
        L + "rl: kto\nremove_unused_columns: false\n",
    ),
    (
        E,
        "axolotl/simpo-with-warmup-ratio",
        L + "rl: simpo\nwarmup_ratio: 0.1\n",
        L + "rl: simpo\nwarmup_steps: 9\n",
    ),
    (
        E,
        "axolotl/dpo-loss-type-needs-dpo",
        L + "rl: orpo\ndpo_loss_type: [ipo]\n",
        L + "rl: dpo\ndpo_loss_type: [ipo]\n",
    ),
    (
        E,
        "axolotl/dpo-loss-weights-needs-dpo-loss-type",
        L + "rl: dpo\ndpo_loss_weights: [1.0]\n",
        L + "rl: dpo\ndpo_loss_type: [ipo]\ndpo_loss_weights: [1.0]\n",
    ),
    (
        E,
        "axolotl/grpo-needs-two-generations",
        L + "rl: grpo\ntrl: {num_generations: 1}\n",
        L + "rl: grpo\ntrl: {num_generations: 4}\nmicro_batch_size: 8\n",
    ),
    (
        W,
        "axolotl/grpo-batch-not-divisible-by-generations",
        L + "rl: grpo\ntrl: {num_generations: 8}\nmicro_batch_size: 4\n",
        L + "rl: grpo\ntrl: {num_generations: 8}\nmicro_batch_size: 4\n"
        "gradient_accumulation_steps: 2\n",
    ),
    (
        E,
        "axolotl/beta-differs-from-trl-beta",
        L + "beta: 0.1\ntrl: {beta: 0.2}\n",
        L + "beta: 0.1\ntrl: {beta: 0.1}\n",
    ),
    (
        E,
        "axolotl/fsdp-with-deepspeed",
        L + "deepspeed: a.json\nfsdp: [full_shard]\n",
        L + "deepspeed: a\n",
    ),
    (
        E,
        "axolotl/fsdp2-with-quantized-preference-training",
        Q + "rl: dpo\nfsdp_version: 2\n",
        Q + "rl: dpo\nfsdp_version: 1\n",
    ),
    (
        E,
        "axolotl/fsdp1-offload-with-8bit-optimizer",
        L + "optimizer: adamw_bnb_8bit\nfsdp_config: {offload_params: true}\n",
        L + "optimizer: adamw_torch\nfsdp_config: {offload_params: true}\n",
    ),
    (
        E,
        "axolotl/fsdp2-with-bitsandbytes-optimizer",
        L + "optimizer: adamw_8bit\nfsdp_version: 2\nfsdp_config: {offload_params: true}\n",
        L + "optimizer: adamw_torch_8bit\nfsdp_version: 2\nfsdp_config: {offload_params: true}\n",
    ),
    (
        E,
        "axolotl/pretrain-multipack-with-streaming-multipack",
        L + "pretrain_multipack_buffer_size: 100\nstreaming_multipack_buffer_size: 100\n",
        L + "streaming_multipack_buffer_size: 100\n",
    ),
    (
        E,
        "axolotl/pretraining-dataset-with-tokens-per-second",
        L
        + "pretraining_dataset: [{path: a.jsonl}]\nmax_steps: 9\ninclude_tokens_per_second: true\n",
        L + "pretraining_dataset: [{path: a.jsonl}]\nmax_steps: 9\n",
    ),
    (
        E,
        "axolotl/ebft-without-its-section",
        L + "rl: ebft\n",
        L + "rl: ebft\nebft: {mode: structured}\n",
    ),
    (
        E,
        "axolotl/q-galore-with-adapter",
        L + "optimizer: q_galore_adamw8bit\n",
        L + "optimizer: adamw_torch\n",
    ),
    (
        E,
        "axolotl/muon-or-flash-optimizer-needs-fsdp2",
        L + "optimizer: muon\nfsdp_config: {reshard_after_forward: true}\n",
        L + "optimizer: muon\nfsdp_config: {fsdp_version: 2}\n",
    ),
    (
        E,
        "axolotl/activation-offloading-needs-gradient-checkpointing",
        L + "activation_offloading: true\n",
        L + "activation_offloading: true\ngradient_checkpointing: true\n",
    ),
    (
        E,
        "axolotl/selective-checkpointing-needs-gradient-checkpointing",
        L + "selective_checkpointing: true\n",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n",
    ),
    (
        E,
        "axolotl/selective-checkpointing-with-reentrant-checkpointing",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n"
        "gradient_checkpointing_kwargs: {use_reentrant: true}\n",
        L + "gradient_checkpointing: true\ngradient_checkpointing_kwargs: {use_reentrant: true}\n",
    ),
    (
        E,
        "axolotl/selective-checkpointing-with-activation-offloading",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n"
        "activation_offloading: true\n",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n"
        "activation_offloading: hidden_states\n",
    ),
    (
        E,
        "axolotl/selective-checkpointing-of-matmuls-with-adapter",
        L + "gradient_checkpointing: true\nselective_checkpointing: {save: [mm]}\n",
        L + "gradient_checkpointing: true\nselective_checkpointing: {save: [attention]}\n",
    ),
    (
        E,
        "axolotl/several-cross-entropies",
        L + "cut_cross_entropy: true\nliger_fused_linear_cross_entropy: true\n",
        L + "cut_cross_entropy: true\n",
    ),
    (
        W,
        "axolotl/attn-implementation-with-older-switch",
        L + "attn_implementation: sdpa\nflash_attention: true\n",
        L + "flash_attention: true\n",
    ),
    (
        W,
        "axolotl/attn-implementation-unknown",
        L + "attn_implementation: flash\n",
        L + "attn_implementation: kernels-community/flash-attn3\n",
    ),
    (
        E,
        "axolotl/context-parallel-needs-flash-attention",
        L + "context_parallel_size: 2\nattn_implementation: sdpa\n",
        L + "context_parallel_size: 2\nflash_attention: true\n",
    ),
    (
        E,
        "axolotl/context-parallel-packing-needs-micro-batch-of-one",
        L + "context_parallel_size: 2\nflash_attention: true\nsample_packing: true\n"
        "micro_batch_size: 2\n",
        L + "context_parallel_size: 2\nflash_attention: true\nsample_packing: true\n"
        "micro_batch_size: 1\n",
    ),
    (
        E,
        "axolotl/scaling-softmax-needs-flex-attention",
        L + "scaling_softmax: true\n",
        L + "scaling_softmax: true\nattn_implementation: flex_attention\n",
    ),
    (
        E,
        "axolotl/torch-compile-options-needs-torch-compile",
        L + "torch_compile_options: {shape_padding: true}\n",
        L + "torch_compile_options: {shape_padding: true}\ntorch_compile: true\n",
    ),
    (
        E,
        "axolotl/deepcompile-needs-deepspeed",
        L + "deepcompile: true\n",
        L + "deepcompile: true\ndeepspeed: a.json\n",
    ),
    (
        E,
        "axolotl/fp32-norms-needs-fsdp2",
        L + "fp32_norms: true\n",
        L + "fp32_norms: true\nfsdp_version: 2\nfsdp_config: {offload_params: false}\n",
    ),
    *(
        (W, f"axolotl/{kebab(name)}-removed", f"{L}{name}: true\n", f"{L}{name}: null\n")
        for name in (
            *(f"unsloth_{p}" for p in ("lora_mlp", "lora_qkv", "lora_o", "rms_norm", "rope")),
            "unsloth_cross_entropy_loss",
            "max_packed_sequence_len",
            "rope_scaling",
            "s2_attention",
            "flash_attn_rms_norm",
            "dpo_use_logits_to_keep",
            "dpo_generate_during_eval",
            "dpo_norm_loss",
            "rpo_alpha",
        )
    ),
    (
        W,
        "axolotl/save-safetensors-removed",
        L + "save_safetensors: false\n",
        L + "save_safetensors: true\n",
    ),
    (
        W,
        "axolotl/sharegpt-removed",
        L + "datasets: [{path: a, type: sharegpt}]\n",
        L + "datasets: [{path: a, type: chat_template}]\n",
    ),
    (
        E,
        "axolotl/noisy-embedding-alpha-with-neftune-noise-alpha",
        L + "noisy_embedding_alpha: 5\nneftune_noise_alpha: 5\n",
        L + "neftune_noise_alpha: 5\n",
    ),
    (
        W,
        "axolotl/evaluation-strategy-renamed",
        L + "evaluation_strategy: steps\n",
        L + "eval_strategy: steps\n",
    ),
    (W, "axolotl/dpo-beta-renamed", L + "dpo_beta: 0.1\n", L + "rl_beta: 0.1\n"),
    (W, "axolotl/noisy-embedding-alpha-renamed", L + "noisy_embedding_alpha: 5\n", L),
    (W, "axolotl/sequence-parallel-degree-renamed", L + "sequence_parallel_degree: 2\n", L),
    (W, "axolotl/lora-kernels-with-rl", L + "rl: dpo\nlora_o_kernel: true\n", L + "rl: dpo\n"),
    (
        E,
        "axolotl/tokens-needs-saved-embeddings",
        L + "tokens: [a]\nlora_modules_to_save: [lm_head]\n",
        L + "tokens: [a]\nlora_modules_to_save: [embed_in, embed_out]\n",
    ),
    *(
        (
            E,
            f"axolotl/new-{name}-token-needs-saved-embeddings",
            f"{L}{MISTRAL}special_tokens: {{{name}_token: <|im_end|>}}\n",
            f"{L}{MISTRAL}special_tokens: {{{name}_token: </s>, pad_token: <|im_end|>}}\n",
        )
        for name in ("eos", "bos", "unk")
    ),
    (
        W,
        "axolotl/dataset-field-needs-completion",
        L + "datasets: [{path: a/b, type: alpaca, field: text}]\n",
        L + "datasets: [{path: a/b, type: completion, field: text}, {type: mine.load, field: x}]\n",
    ),
    (
        W,
        "axolotl/base-model-is-an-adapter-by-name",
        L + "base_model: a/b-lora\n",
        L + "base_model: a/b-lora-merged\n",
    ),
    (
        W,
        "torch/fsdp1-with-load-in-8bit",
        L + "load_in_8bit: true\nfsdp_config: {version: 1}\n",
        L + "load_in_8bit: true\nfsdp_config: {version: 2}\n",
    ),
]

B = "quantization_bit: 4\n"
LLAMA_FACTORY = [
    *(
        (
            severity,
            f"llamafactory/{name.replace('_', '-')}-under-zero3",
            f"{name}: true\n{more}deepspeed: ds_z3_config.json\n",
            f"{name}: true\n{more}deepspeed: ds_z2_config.json\n",
        )
        for severity, name, more in (
            (E, "use_unsloth", ""),
            (W, "use_kt", ""),
            (E, "pure_bf16", ""),
            (W, "predict_with_generate", "eval_dataset: a\n"),
            (E, "pissa_init", ""),
        )
    ),
    (
        E,
        "llamafactory/do-predict-needs-evaluation-data",
        "do_predict: true\npredict_with_generate: true\n",
        "do_predict: true\npredict_with_generate: true\neval_dataset: a\n",
    ),
    (
        E,
        "llamafactory/predict-with-generate-needs-evaluation-data",
        "predict_with_generate: true\n",
        "predict_with_generate: true\neval_dataset: a\n",
    ),
    (
        E,
        "llamafactory/ppo-reports-elsewhere",
        "stage: ppo\nreward_model: a\ndo_train: true\ndataset: a\nreport_to: swanlab\n",
        "stage: ppo\nreward_model: a\ndo_train: true\ndataset: a\nreport_to: wandb\n",
    ),
    (
        E,
        "llamafactory/training-needs-dataset",
        "do_train: true\n",
        "do_train: true\ndataset: a\n",
    ),
    (
        E,
        "llamafactory/image-max-pixels-below-min-pixels",
        "image_max_pixels: 512\n",
        "image_max_pixels: 2048\n",
    ),
    (
        E,
        "llamafactory/video-max-pixels-below-min-pixels",
        "video_max_pixels: 512\nvideo_min_pixels: 1024\n",
        "video_max_pixels: 2048\nvideo_min_pixels: 1024\n",
    ),
    (
        E,
        "llamafactory/export-quantization-bit-needs-dataset",
        "export_quantization_bit: 4\n",
        "export_quantization_bit: 4\nexport_quantization_dataset: c4.json\n",
    ),
    (
        E,
        "llamafactory/infer-backend-in-training",
        "do_train: true\ndataset: a\ninfer_backend: vllm\n",
        "do_train: true\ndataset: a\ninfer_backend: huggingface\n",
    ),
    (
        E,
        "llamafactory/ppo-without-do-train",
        "stage: ppo\nreward_model: r\n",
        "stage: ppo\nreward_model: r\ndo_train: true\ndataset: a\n",
    ),
    (
        E,
        "llamafactory/ppo-with-shift-attn",
        "stage: ppo\nreward_model: r\ndo_train: true\ndataset: a\nshift_attn: true\n",
        "stage: ppo\nreward_model: r\ndo_train: true\ndataset: a\n",
    ),
    (
        W,
        "llamafactory/evaluation-strategy-renamed",
        "evaluation_strategy: steps\nval_size: 0.1\n",
        "eval_strategy: steps\nval_size: 0.1\n",
    ),
    (E, "llamafactory/quantization-bit-with-pissa-init", B + "pissa_init: true\n", B),
    (
        E,
        "llamafactory/quantization-bit-with-resize-vocab",
        B + "resize_vocab: true\n",
        "resize_vocab: true\n",
    ),
    (
        E,
        "llamafactory/quantization-bit-with-create-new-adapter",
        B + "adapter_name_or_path: a\ncreate_new_adapter: true\n",
        "adapter_name_or_path: a\ncreate_new_adapter: true\n",
    ),
    (
        E,
        "llamafactory/quantization-bit-with-several-adapters",
        B + "adapter_name_or_path: a,b\n",
        B + "adapter_name_or_path: a\n",
    ),
    *(
        (E, f"llamafactory/{kebab(name)}-with-lora", f"{name}: true\n", f"{name}: false\n")
        for name in ("use_galore", "use_apollo", "use_badam")
    ),
    (
        E,
        "llamafactory/pissa-init-with-reference-stage",
        "pissa_init: true\nstage: dpo\n",
        "pissa_init: true\nstage: sft\n",
    ),
    (E, "llamafactory/fp8-with-quantization-bit", B + "fp8: true\n", "fp8: true\n"),
    (
        E,
        "llamafactory/quantization-device-map-with-training",
        B + "quantization_device_map: auto\ndo_train: true\ndataset: a\n",
        B + "do_train: true\ndataset: a\n",
    ),
    *(
        (
            E,
            f"llamafactory/{kebab(name)}-with-deepspeed",
            f"{name}: true\ndeepspeed: a.json\n",
            "deepspeed: a.json\n",
        )
        for name in ("use_galore", "use_apollo")
    ),
    (
        E,
        "llamafactory/eval-dataset-with-val-size",
        "eval_dataset: a\nval_size: 0.1\n",
        "eval_dataset: a\n",
    ),
    (
        E,
        "llamafactory/streaming-with-max-samples",
        "streaming: true\nmax_steps: 9\nmax_samples: 9\n",
        "max_samples: 9\n",
    ),
    (
        E,
        "llamafactory/streaming-needs-max-steps",
        "streaming: true\n",
        "streaming: true\nmax_steps: 9\n",
    ),
    (
        E,
        "llamafactory/streaming-with-fractional-val-size",
        "streaming: true\nmax_steps: 9\nval_size: 0.1\n",
        "streaming: true\nmax_steps: 9\nval_size: 100\n",
    ),
    (
        E,
        "llamafactory/interleave-probs-needs-interleaving",
        "interleave_probs: 0.5,0.5\ndataset: a,b\n",
        "interleave_probs: 0.5,0.5\ndataset: a,b\nmix_strategy: interleave_under\n",
    ),
    (
        E,
        "llamafactory/interleave-probs-not-one-a-dataset",
        "interleave_probs: 0.5,0.5\ndataset: a\nmix_strategy: interleave_under\n",
        "dataset: a\n",
    ),
    (
        E,
        "llamafactory/mask-history-with-train-on-prompt",
        "mask_history: true\ntrain_on_prompt: true\n",
        "mask_history: true\n",
    ),
    (
        E,
        "llamafactory/eval-strategy-needs-evaluation-data",
        "eval_strategy: steps\n",
        "eval_strategy: steps\nval_size: 9\n",
    ),
    (
        E,
        "llamafactory/do-eval-needs-evaluation-data",
        "do_eval: true\n",
        "do_eval: true\neval_dataset: a\n",
    ),
    *(
        (
            E,
            f"llamafactory/{kebab(name)}-outside-sft",
            f"stage: kto\n{name}: true\neval_dataset: a\n",
            f"stage: sft\n{name}: true\neval_dataset: a\n",
        )
        for name in ("neat_packing", "train_on_prompt", "mask_history", "predict_with_generate")
    ),
    (
        E,
        "llamafactory/do-predict-needs-predict-with-generate",
        "do_predict: true\n",
        "do_predict: true\npredict_with_generate: true\neval_dataset: a\n",
    ),
    (
        E,
        "llamafactory/predict-with-generate-with-compute-accuracy",
        "predict_with_generate: true\ncompute_accuracy: true\n",
        "compute_accuracy: true\n",
    ),
    (
        E,
        "llamafactory/load-best-model-in-rm-or-ppo",
        "stage: rm\nload_best_model_at_end: true\n",
        "stage: rm\n",
    ),
    (
        E,
        "llamafactory/ppo-needs-reward-model",
        "stage: ppo\ndo_train: true\ndataset: a\n",
        "stage: ppo\nreward_model: a\ndo_train: true\ndataset: a\n",
    ),
    (
        E,
        "llamafactory/dpo-label-smoothing-needs-sigmoid",
        "stage: dpo\npref_loss: simpo\ndpo_label_smoothing: 0.1\n",
        "stage: dpo\npref_loss: sigmoid\ndpo_label_smoothing: 0.1\n",
    ),
]

F = "attn_impl: flash_attn\n"
G = "rlhf_type: grpo\n"
SWIFT = [
    *((W, f"ms-swift/{kebab(n)}-renamed", f"{n}: lora\n", "") for n in ("sft_type", "train_type")),
    *(
        (E, f"ms-swift/{kebab(n)}-needs-flash-attention", f"{n}: true\n", f"{n}: true\n{F}")
        for n in ("packing", "padding_free")
    ),
    (
        E,
        "ms-swift/packing-with-lazy-tokenize",
        F + "packing: true\nlazy_tokenize: true\n",
        F + "packing: true\n",
    ),
    (
        E,
        "ms-swift/streaming-with-lazy-tokenize",
        "streaming: true\nlazy_tokenize: true\n",
        "streaming: true\n",
    ),
    (E, "ms-swift/fsdp-with-deepspeed", "fsdp: fsdp2\ndeepspeed: zero2\n", "deepspeed: zero2\n"),
    (
        E,
        "ms-swift/fsdp2-with-save-only-model",
        "fsdp: fsdp2\nsave_only_model: true\n",
        "save_only_model: true\n",
    ),
    (
        W,
        "ms-swift/warmup-ratio-with-warmup-steps",
        "warmup_ratio: 0.1\nwarmup_steps: 9\n",
        "warmup_ratio: 0.1\n",
    ),
    (W, "ms-swift/warmup-ratio-not-below-one", "warmup_ratio: 1\n", "warmup_ratio: 0.1\n"),
    (
        E,
        "ms-swift/quant-method-needs-quant-bits",
        "quant_method: bnb\n",
        "quant_method: bnb\nquant_bits: 4\n",
    ),
    (
        E,
        "ms-swift/bnb-with-other-quant-bits",
        "quant_method: bnb\nquant_bits: 3\n",
        "quant_method: hqq\nquant_bits: 3\n",
    ),
    *(
        (
            E,
            f"ms-swift/{method}-with-other-quant-bits",
            f"quant_method: {method}\nquant_bits: 3\n",
            f"quant_method: {method}\nquant_bits: 8\n",
        )
        for method in ("quanto", "eetq")
    ),
    (E, "ms-swift/ref-model-with-lora", "rlhf_type: dpo\nref_model: a/b\n", "rlhf_type: dpo\n"),
    (
        E,
        "ms-swift/vllm-mode-needs-use-vllm",
        G + "vllm_mode: colocate\n",
        G + "vllm_mode: colocate\nuse_vllm: true\n",
    ),
    (
        E,
        "ms-swift/use-vllm-needs-vllm-mode",
        G + "use_vllm: true\n",
        G + "use_vllm: true\nvllm_mode: server\n",
    ),
    (
        E,
        "ms-swift/grpo-with-other-truncation-strategy",
        G + "truncation_strategy: split\n",
        G + "truncation_strategy: delete\n",
    ),
    (
        E,
        "ms-swift/grpo-needs-two-generations",
        G + "num_generations: 1\n",
        G + "num_generations: 8\n",
    ),
    *(
        (
            E,
            f"ms-swift/{kebab(n)}-with-other-rlhf-type",
            f"{F}rlhf_type: orpo\n{n}: true\n",
            f"{F}rlhf_type: dpo\n{n}: true\n",
        )
        for n in ("packing", "padding_free")
    ),
    (
        E,
        "ms-swift/sequence-parallel-with-other-rlhf-type",
        "rlhf_type: kto\nsequence_parallel_size: 2\n",
        "rlhf_type: dpo\nsequence_parallel_size: 2\n",
    ),
    *(
        (
            E,
            f"ms-swift/grpo-liger-with-{kebab(name)}",
            f"{F}{G}use_liger_kernel: true\n{name}: {value}\n",
            f"{F}{G}{name}: {value}\n",
        )
        for name, value in (
            ("delta", 1.5),
            ("sequence_parallel_size", 2),
            ("padding_free", "true"),
            ("top_entropy_quantile", 0.2),
            ("log_entropy", "true"),
        )
    ),
]

S = "eval_strategy: steps\neval_steps: 50\n"
G = "num_generations: 4\n"
TRAINER = [
    (
        W,
        "trl/generation-batch-size-with-steps-per-generation",
        G + "generation_batch_size: 16\nsteps_per_generation: 2\n",
        G + "generation_batch_size: 16\n",
    ),
    (
        W,
        "trl/generation-batch-of-partial-groups",
        "num_generations: 6\ngeneration_batch_size: 16\n",
        "num_generations: 6\ngeneration_batch_size: 24\n",
    ),
    (
        W,
        "trl/generation-batch-of-partial-batches",
        "num_generations: 2\ngeneration_batch_size: 12\n",
        "num_generations: 2\ngeneration_batch_size: 16\n",
    ),
    (W, "trl/one-generation", "num_generations: 1\n", G),
    (
        W,
        "trl/no-generations",
        "num_generations: null\nscale_rewards: group\n",
        G,
    ),
    (
        W,
        "trl/importance-bounds-crossed",
        G + "vllm_importance_sampling_clip_min: 4.0\n",
        G + "vllm_importance_sampling_clip_min: 0.5\n",
    ),
    (W, "trl/auto-find-batch-size-with-groups", G + "auto_find_batch_size: true\n", G),
    (
        W,
        "trl/log-completions-hub-repo-without-log-completions",
        G + "log_completions_hub_repo: me/rows\n",
        G + "log_completions_hub_repo: me/rows\nlog_completions: true\n",
    ),
    (
        W,
        "trl/padding-free-with-max-length",
        "padding_free: true\n",
        "padding_free: true\nmax_length: null\n",
    ),
    (
        W,
        "trl/padding-free-with-batch-of-one",
        "padding_free: true\nmax_length: null\nper_device_train_batch_size: 1\n",
        "padding_free: true\nmax_length: null\nper_device_train_batch_size: 4\n",
    ),
    (E, "trl/packing-needs-max-length", "packing: true\nmax_length: null\n", "packing: true\n"),
    (
        E,
        "trl/some-datasets-without-fraction",
        "datasets: [{path: a, fraction: 0.5}, {path: b}]\n",
        "datasets: [{path: a, fraction: 0.5}, {path: b, fraction: 0.5}]\n",
    ),
    (
        E,
        "trl/streaming-with-fractions",
        "streaming: true\ndatasets: [{path: a, fraction: 0.5}]\n",
        "streaming: true\ndatasets: [{path: a}]\n",
    ),
    (E, "trl/env-not-a-mapping", "env: 1\n", "env: {A: b}\n"),
    (
        W,
        "trl/datasets-with-dataset-name",
        "datasets: [{path: a}]\ndataset_name: a\n",
        "dataset_name: a\n",
    ),
    (
        E,
        "transformers/best-model-needs-equal-strategies",
        "load_best_model_at_end: true\n",
        "load_best_model_at_end: true\neval_strategy: epoch\nsave_strategy: epoch\n",
    ),
    (
        E,
        "transformers/best-model-needs-save-steps-multiple",
        f"load_best_model_at_end: true\n{S}save_steps: 75\n",
        f"load_best_model_at_end: true\n{S}save_steps: 100\n",
    ),
    (
        E,
        "transformers/fp16-full-eval-with-bf16-full-eval",
        "fp16_full_eval: true\nbf16_full_eval: true\n",
        "bf16_full_eval: true\n",
    ),
    (
        E,
        "transformers/lr-scheduler-needs-evaluation",
        "lr_scheduler_type: reduce_lr_on_plateau\n",
        f"lr_scheduler_type: reduce_lr_on_plateau\n{S}",
    ),
    (E, "transformers/fsdp-offload-alone", "fsdp: offload\n", "fsdp: full_shard offload\n"),
    (
        E,
        "transformers/resume-from-checkpoint-not-a-folder",
        "resume_from_checkpoint: 1000\n",
        "resume_from_checkpoint: out/checkpoint-1000\n",
    ),
    (E, "transformers/warmup-steps-negative", "warmup_steps: -1\n", "warmup_steps: 0\n"),
    (
        E,
        "transformers/logging-steps-zero",
        "logging_steps: 0\n",
        'logging_steps: 0\nlogging_strategy: "no"\n',
    ),
    *(
        (
            E,
            f"transformers/{n}-steps-not-whole",
            f"{n}_strategy: steps\n{n}_steps: 1.5\n",
            f"{n}_steps: 2\n",
        )
        for n in ("logging", "eval", "save")
    ),
    (
        E,
        "transformers/fsdp-with-deepspeed",
        "fsdp: full_shard\ndeepspeed: a.json\n",
        "deepspeed: a.json\n",
    ),
    (
        E,
        "transformers/fsdp-activation-checkpointing-with-gradient-checkpointing",
        "fsdp: full_shard\nfsdp_config: {activation_checkpointing: true}\n"
        "gradient_checkpointing: true\n",
        "fsdp: full_shard\nfsdp_config: {activation_checkpointing: true}\n"
        "gradient_checkpointing: false\n",
    ),
    (
        E,
        "transformers/sharded-save-only-model-with-best-model",
        "save_only_model: true\nload_best_model_at_end: true\nfsdp: full_shard\n"
        "eval_strategy: epoch\nsave_strategy: epoch\n",
        "save_only_model: true\nload_best_model_at_end: true\n"
        "eval_strategy: epoch\nsave_strategy: epoch\n",
    ),
    (
        E,
        "transformers/save-only-model-with-sharded-state-dict",
        "save_only_model: true\nfsdp: full_shard\n"
        "fsdp_config: {state_dict_type: SHARDED_STATE_DICT}\n",
        "save_only_model: true\nfsdp: full_shard\n",
    ),
    (
        E,
        "transformers/prefetch-factor-needs-dataloader-workers",
        "dataloader_prefetch_factor: 2\n",
        "dataloader_prefetch_factor: 2\ndataloader_num_workers: 2\n",
    ),
    (
        E,
        "transformers/save-strategy-best-needs-metric",
        "save_strategy: best\n",
        "save_strategy: best\nmetric_for_best_model: eval_loss\n",
    ),
]

N = "quantize: bnb.nf4\n"
T = "model: {_component_: torchtune.models.llama3.lora_llama3_8b, lora_attn_modules: "
TUNE_WHOLE = (
    T + "[q_proj]}\n",
    "tokenizer: {_component_: torchtune.models.llama3.llama3_tokenizer}\n",
    "checkpointer: {_component_: torchtune.training.FullModelHFCheckpointer}\n",
    "dataset: {_component_: torchtune.datasets.alpaca_dataset}\n",
    "loss: {_component_: torchtune.modules.loss.LinearCrossEntropyLoss}\n",
    "optimizer: {_component_: torch.optim.AdamW}\n",
    "epochs: 1\n",
    "seed: null\n",
    "batch_size: 2\n",
    "shuffle: True\n",
    "gradient_accumulation_steps: 8\n",
    "max_steps_per_epoch: null\n",
    "resume_from_checkpoint: False\n",
    "output_dir: out\n",
)
U = "model: {model_name: a/b"
X = "training: {use_peft: true, trainer_type: "
FOUNDRY = "model: {name: hf_causal_lm, pretrained_model_name_or_path: a/b, peft_config: {r: 8}"
KIT = "config: {process: [{network: {type: lora, linear: 16}, train: {gradient_accumulation: 2"
P = "peft: {dim: 8, "
LUDWIG = "adapter: {type: lora, postprocessor: {merge_adapter_into_base_model: true}}\n"
MERGES = "model_name_or_path: a/b\nadapter_name_or_path: c\ntemplate: default\n"
"""What LLaMA-Factory is given to use an adapter."""
VLLM = MERGES + "infer_backend: vllm\n"
JOB = "config: {process: [{network: {type: lora}, model: "
RECOVERED = 'quantize: true, qtype: "uint3|ostris/accuracy_recovery_adapters/qwen_image_x.pt"'
SD_NUMBERS = (
    *("network-dim", "network-alpha", "learning-rate", "unet-lr", "max-train-steps"),
    *("max-train-epochs", "train-batch-size", "gradient-accumulation-steps"),
)
RL = "trainer: {policy: {model: {lora: {rank: 8}}}}\n"
SUPERVISED = "model: {lora: {rank: 8}}\noptimizer_config: {lr: 1.0e-4}\nstrategy: fsdp\n"
PRIME = "trainer: {model: {lora: {rank: 8, alpha: 8}}}\n"
PIPE = "lora_rank: 16\nlora_alpha: 16\n"
DIFFUSION = "model: {type: flux}\noutput_dir: o\nsave_every_n_epochs: 1\n"
FLUX = "adapter: {type: lora, rank: 32}\n"

SD_CACHE = "network_train_unet_only: true\ncache_text_encoder_outputs: true\n"
OTHERS = [
    *(
        (
            "sd-scripts",
            E,
            f"sd-scripts/{key}-as-text",
            f"{key.replace('-', '_')}: '16'\n",
            f"{key.replace('-', '_')}: 16\n",
        )
        for key in SD_NUMBERS
    ),
    *(
        (
            "sd-scripts",
            E,
            f"sd-scripts/full-{dtype}-needs-mixed-precision",
            f"full_{dtype}: true\nmixed_precision: other\n",
            f"full_{dtype}: true\nmixed_precision: {dtype}\n",
        )
        for dtype in ("fp16", "bf16")
    ),
    (
        "sd-scripts",
        E,
        "sd-scripts/scale-v-pred-loss-needs-v-parameterization",
        "scale_v_pred_loss_like_noise_pred: true\n",
        "scale_v_pred_loss_like_noise_pred: true\nv_parameterization: true\n",
    ),
    (
        "sd-scripts",
        E,
        "sd-scripts/adaptive-noise-scale-needs-noise-offset",
        "adaptive_noise_scale: 0.01\n",
        "adaptive_noise_scale: 0.01\nnoise_offset: 0.03\n",
    ),
    (
        "llamafactory-infer",
        W,
        "llamafactory-infer/evaluation-is-gone",
        MERGES + "template: a\ntask: mmlu_test\n",
        MERGES + "template: a\n",
    ),
    (
        "sd-scripts",
        E,
        "sd-scripts/cache-text-encoder-outputs-needs-network-train-unet-only",
        "cache_text_encoder_outputs: true\n",
        "cache_text_encoder_outputs: true\nnetwork_train_unet_only: true\n",
    ),
    *(
        (
            "sd-scripts",
            E,
            f"sd-scripts/cache-text-encoder-outputs-with-{kebab(key)}",
            f"{SD_CACHE}{key}: 1\n",
            f"{SD_CACHE}{key}: 0\n",
        )
        for key in (
            *("shuffle_caption", "caption_dropout_rate", "caption_tag_dropout_rate"),
            "token_warmup_step",
        )
    ),
    *(
        ("llamafactory-infer", E, f"llamafactory-infer/{key}", refused, repaired)
        for key, refused, repaired in (
            (
                "adapter-needs-finetuning-type-lora",
                MERGES + "finetuning_type: freeze\n",
                MERGES + "finetuning_type: lora\n",
            ),
            (
                "merge-with-quantization-bit",
                MERGES + "export_dir: d\nquantization_bit: 4\n",
                MERGES + "infer_backend: huggingface\nquantization_bit: 4\n",
            ),
            (
                "merge-with-export-quantization-bit",
                MERGES + "export_dir: d\nexport_quantization_bit: 4\n"
                "export_quantization_dataset: e.json\n",
                MERGES + "export_dir: d\n",
            ),
            (
                "export-quantization-bit-needs-calibration-data",
                MERGES + "export_dir: d\nexport_quantization_bit: 4\n",
                MERGES + "export_dir: d\n",
            ),
            (
                "several-adapters-with-quantization-bit",
                MERGES.replace(": c", ": c,d") + "quantization_bit: 4\n",
                MERGES.replace(": c", ": c,d"),
            ),
            ("vllm-with-quantization-bit", VLLM + "quantization_bit: 4\n", VLLM),
            ("vllm-with-several-adapters", VLLM.replace(": c", ": c,d"), VLLM),
            ("vllm-with-rope-scaling", VLLM + "rope_scaling: linear\n", VLLM),
            ("vllm-outside-sft", VLLM + "stage: rm\n", VLLM + "stage: sft\n"),
        )
    ),
    (
        "mlx-lm",
        E,
        "mlx-lm/lora-parameters-needs-all-three",
        "lora_parameters: {rank: 8, scale: 2.0}\n",
        "lora_parameters: {rank: 8, scale: 2.0, dropout: 0.0}\n",
    ),
    (
        "litgpt",
        E,
        "litgpt/quantize-with-mixed-precision",
        N + "precision: bf16-mixed\n",
        N + "precision: bf16-true\n",
    ),
    ("litgpt", E, "litgpt/quantize-with-several-devices", N + "devices: 2\n", N + "devices: 1\n"),
    ("litgpt", E, "litgpt/quantize-with-several-nodes", N + "num_nodes: 2\n", "num_nodes: 2\n"),
    (
        "litgpt",
        E,
        "litgpt/quantize-with-other-optimizer",
        N + "optimizer: SGD\n",
        N + "optimizer: AdamW\n",
    ),
    *(
        (
            "litgpt",
            E,
            f"litgpt/train-{kebab(name)}-not-taken",
            f"train: {{{name}: 1}}\n",
            f"train: {{{name}: null}}\n",
        )
        for name in ("max_tokens", "max_norm", "tie_embeddings", "lr_warmup_fraction")
    ),
    ("litgpt", E, "litgpt/train-epochs-null", "train: {epochs: null}\n", "train: {epochs: 2}\n"),
    (
        "litgpt",
        E,
        "litgpt/eval-max-new-tokens-null",
        "eval: {max_new_tokens: null}\n",
        "eval: {max_new_tokens: 9}\n",
    ),
    (
        "litgpt",
        E,
        "litgpt/global-batch-size-below-micro-batches",
        "train: {global_batch_size: 4, micro_batch_size: 4}\ndevices: 2\n",
        "train: {global_batch_size: 8, micro_batch_size: 4}\ndevices: 2\n",
    ),
    (
        "torchtune",
        E,
        "torchtune/fp16-dtype",
        T + "[q_proj]}\ndtype: fp16\n",
        T + "[q_proj]}\ndtype: bf16\n",
    ),
    (
        "torchtune",
        E,
        "torchtune/activation-offloading-needs-activation-checkpointing",
        T + "[q_proj]}\nenable_activation_offloading: True\n",
        T
        + "[q_proj]}\nenable_activation_offloading: True\nenable_activation_checkpointing: True\n",
    ),
    (
        "torchtune",
        E,
        "torchtune/packed-needs-max-seq-len",
        T + "[q_proj]}\ndataset: {packed: True}\ntokenizer: {max_seq_len: null}\n",
        T + "[q_proj]}\ndataset: {packed: True}\ntokenizer: {max_seq_len: 4096}\n",
    ),
    *(
        (
            "torchtune",
            W,
            f"torchtune/{kebab(key)}-absent",
            "".join(line for line in TUNE_WHOLE if not line.startswith(f"{key}:")),
            "".join(TUNE_WHOLE),
        )
        for key in (
            *("seed", "batch_size", "shuffle", "gradient_accumulation_steps"),
            *("max_steps_per_epoch", "resume_from_checkpoint", "output_dir"),
        )
    ),
    ("torchtune", E, "torchtune/lora-attn-modules-empty", T + "[]}\n", T + "[q_proj]}\n"),
    (
        "ludwig",
        E,
        "ludwig/adapter-with-other-trainer-type",
        "adapter: {type: lora}\ntrainer: {type: dpo}\n",
        "adapter: {type: lora}\ntrainer: {type: finetune}\n",
    ),
    (
        "ludwig",
        E,
        "ludwig/merge-into-base-model-below-8-bits",
        LUDWIG + "quantization: {bits: 4}\n",
        LUDWIG + "quantization: {bits: 8}\n",
    ),
    (
        "oumi",
        E,
        "oumi/fsdp-with-deepspeed",
        U
        + "}\n"
        + X
        + "TRL_SFT}\nfsdp: {enable_fsdp: true}\ndeepspeed: {enable_deepspeed: true}\n",
        U + "}\n" + X + "TRL_SFT}\nfsdp: {enable_fsdp: true}\n",
    ),
    (
        "oumi",
        E,
        "oumi/compile-in-model",
        U + ", compile: true}\n" + X + "TRL_SFT}\n",
        U + "}\n" + X + "TRL_SFT}\n",
    ),
    (
        "oumi",
        E,
        "oumi/compile-with-use-orig-params-off",
        U + "}\n" + X + "TRL_SFT, compile: true}\nfsdp: {use_orig_params: false}\n",
        U + "}\n" + X + "TRL_SFT, compile: true}\nfsdp: {use_orig_params: true}\n",
    ),
    (
        "oumi",
        E,
        "oumi/mixed-precision-over-half-precision-model",
        U + ", torch_dtype_str: bfloat16}\n" + X + "TRL_SFT, mixed_precision_dtype: BF16}\n",
        U + ", torch_dtype_str: float32}\n" + X + "TRL_SFT, mixed_precision_dtype: BF16}\n",
    ),
    (
        "oumi",
        E,
        "oumi/gradient-accumulation-below-one",
        U + "}\n" + X + "TRL_SFT, gradient_accumulation_steps: 0}\n",
        U + "}\n" + X + "TRL_SFT, gradient_accumulation_steps: 1}\n",
    ),
    (
        "oumi",
        E,
        "oumi/performance-metrics-with-grpo",
        U + "}\n" + X + "TRL_GRPO, include_performance_metrics: true}\n",
        U + "}\n" + X + "TRL_GRPO}\n",
    ),
    (
        "nemo-automodel",
        E,
        "nemo-automodel/target-modules-with-exclude-modules",
        P + "target_modules: ['*_proj'], exclude_modules: ['*lm_head*']}\n",
        P + "target_modules: ['*_proj']}\n",
    ),
    (
        "nemo-automodel",
        E,
        "nemo-automodel/match-all-linear-with-target-modules",
        P + "match_all_linear: true, exclude_modules: ['*lm_head*']}\n",
        P + "match_all_linear: true}\n",
    ),
    (
        "llm-foundry",
        E,
        "llm-foundry/load-in-8bit-in-training",
        FOUNDRY + ", load_in_8bit: true}\n",
        FOUNDRY + "}\n",
    ),
    (
        "ai-toolkit",
        W,
        "ai-toolkit/recovery-adapter-of-another-model",
        f"{JOB}{{arch: flux, {RECOVERED}}}}}]}}\n",
        f"{JOB}{{arch: qwen_i, {RECOVERED}}}}}]}}\n",
    ),
    (
        "ai-toolkit",
        E,
        "ai-toolkit/gradient-accumulation-twice",
        KIT + ", gradient_accumulation_steps: 2}}]}\n",
        KIT + "}}]}\n",
    ),
    (
        "autotrain",
        W,
        "autotrain/project-name-not-alphanumeric",
        "backend: local\nproject_name: my_llm\n",
        "backend: local\nproject_name: my-llm\n",
    ),
    (
        "autotrain",
        W,
        "autotrain/backend-missing",
        "backend: null\n",
        "project_name: my-llm\n",
    ),
    (
        "verl",
        E,
        "verl/lora-rank-above-served",
        "  model: {path: a/b, lora_rank: 1024}\n",
        "  model: {path: a/b, lora_rank: 64}\n",
    ),
    *(
        (
            "openrlhf",
            E,
            f"openrlhf/{kebab(name)}-lists-all-linear",
            lines + "[all-linear]" + end,
            lines + "[q_proj, v_proj]" + end,
        )
        for name, lines, end in (
            ("ds.lora.target_modules", "ds: {lora: {rank: 8, target_modules: ", "}}\n"),
            ("target_modules", "ds: {lora: {}}\nlora_rank: 8\ntarget_modules: ", "\n"),
        )
    ),
    (
        "skyrl",
        E,
        "skyrl/lora-needs-vllm",
        RL + "generator: {inference_engine: {backend: sglang}}\n",
        RL + "generator: {inference_engine: {backend: vllm}}\n",
    ),
    (
        "skyrl",
        E,
        "skyrl/num-epochs-with-num-steps",
        SUPERVISED + "num_epochs: 1\nnum_steps: 10\n",
        SUPERVISED + "num_steps: 10\n",
    ),
    *(
        (
            "prime-rl",
            E,
            f"prime-rl/{name}-of-orchestrator-differs",
            PRIME + f"orchestrator: {{model: {{lora: {{{name}: 32}}}}}}\n",
            PRIME + f"orchestrator: {{model: {{lora: {{{name}: 8}}}}}}\n",
        )
        for name in ("rank", "alpha")
    ),
    (
        "prime-rl",
        E,
        "prime-rl/lora-needs-filesystem-broadcast",
        PRIME + "weight_broadcast: {type: nccl}\n",
        PRIME + "weight_broadcast: {type: filesystem}\n",
    ),
    (
        "prime-rl",
        E,
        "prime-rl/batch-size-not-divisible",
        "model: {lora: {rank: 8}}\nckpt: {}\ndata: {batch_size: 6, micro_batch_size: 4}\n",
        "model: {lora: {rank: 8}}\nckpt: {}\ndata: {batch_size: 8, micro_batch_size: 4}\n",
    ),
    *(
        (
            "qlora-pipe",
            E,
            f"qlora-pipe/lora-needs-{kebab(missing)}",
            f"optimizer: {{type: adamw}}\nfull_fine_tune: false\n{beside}: 16\n",
            "optimizer: {type: adamw}\nlora_rank: 16\nlora_alpha: 16\n",
        )
        for missing, beside in (("lora_alpha", "lora_rank"), ("lora_rank", "lora_alpha"))
    ),
    (
        "qlora-pipe",
        E,
        "qlora-pipe/optimizer-type-unknown",
        PIPE + "optimizer: {type: paged_adamw_8bit}\n",
        PIPE + "optimizer: {type: AdamW8bit}\n",
    ),
    (
        "diffusion-pipe",
        E,
        "diffusion-pipe/adapter-alpha",
        DIFFUSION + "adapter: {type: lora, rank: 32, alpha: 16}\n",
        DIFFUSION + "adapter: {type: lora, rank: 32}\n",
    ),
    (
        "diffusion-pipe",
        E,
        "diffusion-pipe/lr-scheduler-unknown",
        DIFFUSION + FLUX + "lr_scheduler: cosine_with_restarts\n",
        DIFFUSION + FLUX + "lr_scheduler: cosine\n",
    ),
    (
        "diffusion-pipe",
        E,
        "diffusion-pipe/needs-save-every",
        "model: {type: flux}\noutput_dir: o\n" + FLUX,
        DIFFUSION + FLUX,
    ),
    (
        "diffusion-pipe",
        E,
        "diffusion-pipe/blocks-to-swap-with-pipeline-stages",
        DIFFUSION + FLUX + "blocks_to_swap: 20\npipeline_stages: 2\n",
        DIFFUSION + FLUX + "blocks_to_swap: 20\npipeline_stages: 1\n",
    ),
]

OF_TOML = ("sd-scripts", "prime-rl", "qlora-pipe", "diffusion-pipe")
"""Frameworks whose files are TOML."""
OF_OLD_VERSIONS = {"verl/lora-rank-not-served": "tests/cases/ll012.yaml, with a pin"}
"""Refusals of versions that only a pin allows, and where their cases are."""
