"""What LL012 reports of files: severity, the message's beginning, the lines, and mended lines."""

from __future__ import annotations

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
}
L, Q = "adapter: lora\n", "adapter: qlora\nload_in_4bit: true\n"

AXOLOTL = [
    (E, "adapter: qlora without", "adapter: qlora\n", Q),
    (E, "adapter: qlora with load_in_8bit", Q + "load_in_8bit: true\n", L + "load_in_8bit: true\n"),
    (E, "adapter: qlora with gptq", Q + "gptq: true\n", L + "gptq: true\n"),
    (E, "merge_lora with", Q + "merge_lora: true\n", "adapter: qlora\nmerge_lora: true\n"),
    (
        E,
        "peft_layers_to_transform and",
        L + "peft_layers_to_transform: [0]\nunfrozen_parameters: [x]\n",
        L + "peft_layers_to_transform: [0]\n",
    ),
    (
        E,
        "lr_groups and",
        L + "lr_groups: [{name: a, modules: [b], lr: 1.0e-4}]\nloraplus_lr_ratio: 16\n",
        L + "loraplus_lr_ratio: 16\n",
    ),
    (E, "flash_attn_fuse_mlp with", L + "flash_attn_fuse_mlp: true\n", L),
    (E, "use_onebitllms with", L + "use_onebitllms: true\n", L),
    (
        E,
        "lora_mlp_kernel, lora_qkv_kernel or lora_o_kernel with load_in_8bit",
        L + "load_in_8bit: true\nlora_mlp_kernel: true\n",
        L + "load_in_8bit: true\nlora_mlp_kernel: false\n",
    ),
    (
        E,
        "lora_mlp_kernel, lora_qkv_kernel or lora_o_kernel with trust_remote_code",
        L + "trust_remote_code: true\nlora_o_kernel: true\n",
        L + "trust_remote_code: true\n",
    ),
    (
        E,
        "quantize_moe_experts with lora_target_linear",
        Q + "quantize_moe_experts: true\nlora_target_linear: true\n",
        Q + "quantize_moe_experts: true\n",
    ),
    (E, "quantize_moe_experts without", L + "quantize_moe_experts: true\n", L),
    (E, "qat with", Q + "qat: {weight_dtype: int4}\n", L + "qat: {weight_dtype: int4}\n"),
    (
        E,
        "model_quantization_config with",
        Q + "model_quantization_config: Mxfp4Config\n",
        L + "model_quantization_config: Mxfp4Config\n",
    ),
    (
        E,
        "max_memory and",
        L + "max_memory: 10GB\ngpu_memory_limit: 10GB\n",
        L + "gpu_memory_limit: 10GB\n",
    ),
    (E, "relora without", L + "relora: true\n", L + "relora: true\njagged_restart_steps: 9\n"),
    (
        E,
        "relora with fsdp",
        L + "relora: true\njagged_restart_steps: 9\ndeepspeed: a.json\n",
        L + "deepspeed: a.json\n",
    ),
    (
        E,
        "relora with lr_scheduler",
        L + "relora: true\njagged_restart_steps: 9\nlr_scheduler: one_cycle\n",
        L + "relora: true\njagged_restart_steps: 9\nlr_scheduler: cosine\n",
    ),
    (
        E,
        "unfrozen_parameters with",
        L + "unfrozen_parameters: [x]\ngradient_checkpointing_kwargs: {use_reentrant: true}\n",
        L + "unfrozen_parameters: [x]\ngradient_checkpointing_kwargs: {use_reentrant: false}\n",
    ),
    *(
        (E, f"{one} and {other}", f"{L}{one}: 4\n{other}: 2\n", f"{L}{one}: 4\n{other}: 0\n")
        for one, other in (
            ("warmup_steps", "warmup_ratio"),
            ("saves_per_epoch", "save_steps"),
            ("evals_per_epoch", "eval_steps"),
            ("gradient_accumulation_steps", "batch_size"),
        )
    ),
    (
        E,
        "test_datasets and",
        L + "test_datasets: [{path: a}]\nval_set_size: 0.1\n",
        L + "test_datasets: [{path: a}]\n",
    ),
    *(
        (
            E,
            f"{steps} with an" if steps != "save_steps" else "save_steps with a",
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
        "eval_steps or eval_strategy with",
        L + "val_set_size: 0\neval_steps: 10\n",
        L + "val_set_size: 0\neval_steps: 10\ntest_datasets: [{path: a}]\n",
    ),
    (E, "do_bench_eval", L + "do_bench_eval: true\n", L + "do_bench_eval: true\neval_steps: 9\n"),
    (
        E,
        "save_strategy: best",
        L + "save_strategy: best\n",
        L + "save_strategy: best\nmetric_for_best_model: eval_loss\n",
    ),
    (
        W,
        "hub_model_id with",
        L + "hub_model_id: a/b\nsave_strategy: no\n",
        L + "hub_model_id: a/b\nsave_strategy: epoch\n",
    ),
    (
        W,
        "early_stopping_patience without",
        L + "early_stopping_patience: 3\n",
        L + "early_stopping_patience: 3\nsave_steps: 20\neval_steps: 10\n",
    ),
    (
        E,
        "early_stopping_patience with",
        L + "early_stopping_patience: 3\nsave_steps: 25\neval_steps: 10\n",
        L + "save_steps: 25\neval_steps: 10\n",
    ),
    (
        E,
        "pretraining_dataset without",
        L + "pretraining_dataset: [{path: a}]\n",
        L + "pretraining_dataset: [{path: a}]\nmax_steps: 9\n",
    ),
    (
        E,
        "val_set_size with a dataset",
        L + "streaming: true\nmax_steps: 9\nval_set_size: 0.1\n",
        L + "streaming: true\nmax_steps: 9\nval_set_size: 0\n",
    ),
    (E, "streaming without", L + "streaming: true\n", L + "streaming: false\n"),
    (
        E,
        "sample_packing of several",
        L + "streaming: true\nmax_steps: 9\nsample_packing: true\n"
        "datasets: [{path: a}, {path: b}]\n",
        L + "streaming: true\nmax_steps: 9\nsample_packing: true\ndatasets: [{path: a}]\n",
    ),
    (
        E,
        "dataset_exact_deduplication with a",
        L + "dataset_exact_deduplication: true\nstreaming: true\nmax_steps: 9\n",
        L + "dataset_exact_deduplication: true\n",
    ),
    (
        E,
        "dataset_exact_deduplication with skip",
        L + "dataset_exact_deduplication: true\nskip_prepare_dataset: true\n",
        L + "skip_prepare_dataset: true\n",
    ),
    (
        E,
        "push_dataset_to_hub",
        L + "push_dataset_to_hub: a/b\n",
        L + "push_dataset_to_hub: a/b\nhf_use_auth_token: true\n",
    ),
    (E, "chat_template: jinja", L + "chat_template: jinja\n", L + "chat_template: chatml\n"),
    (
        E,
        "eval_table_size and",
        L + "sample_packing: true\neval_table_size: 5\n",
        L + "sample_packing: true\neval_table_size: 5\neval_sample_packing: false\n",
    ),
    (
        E,
        "do_causal_lm_eval with",
        L + "do_causal_lm_eval: true\neval_sample_packing: true\n",
        L + "do_causal_lm_eval: true\neval_sample_packing: false\n",
    ),
    (E, "neftune_noise_alpha", L + "neftune_noise_alpha: 0\n", L + "neftune_noise_alpha: 5\n"),
    (E, "rl and sample", L + "rl: dpo\nsample_packing: true\n", L + "rl: dpo\n"),
    (
        E,
        "rl: kto with eval",
        L + "rl: kto\nremove_unused_columns: false\neval_sample_packing: true\n",
        L + "rl: kto\nremove_unused_columns: false\n",
    ),
    (E, "rl: kto without", L + "rl: kto\n", L + "rl: kto\nremove_unused_columns: false\n"),
    (E, "rl: simpo", L + "rl: simpo\nwarmup_ratio: 0.1\n", L + "rl: simpo\nwarmup_steps: 9\n"),
    (
        E,
        "dpo_loss_type or",
        L + "rl: orpo\ndpo_loss_type: [ipo]\n",
        L + "rl: dpo\ndpo_loss_type: [ipo]\n",
    ),
    (
        E,
        "dpo_loss_weights without",
        L + "rl: dpo\ndpo_loss_weights: [1.0]\n",
        L + "rl: dpo\ndpo_loss_type: [ipo]\ndpo_loss_weights: [1.0]\n",
    ),
    (
        E,
        "rl: grpo with trl",
        L + "rl: grpo\ntrl: {num_generations: 1}\n",
        L + "rl: grpo\ntrl: {num_generations: 4}\nmicro_batch_size: 8\n",
    ),
    (
        W,
        "rl: grpo with a generation",
        L + "rl: grpo\ntrl: {num_generations: 8}\nmicro_batch_size: 4\n",
        L + "rl: grpo\ntrl: {num_generations: 8}\nmicro_batch_size: 4\n"
        "gradient_accumulation_steps: 2\n",
    ),
    (E, "beta and", L + "beta: 0.1\ntrl: {beta: 0.2}\n", L + "beta: 0.1\ntrl: {beta: 0.1}\n"),
    (E, "deepspeed and fsdp", L + "deepspeed: a.json\nfsdp: [full_shard]\n", L + "deepspeed: a\n"),
    (
        E,
        "fsdp_version: 2 with",
        Q + "rl: dpo\nfsdp_version: 2\n",
        Q + "rl: dpo\nfsdp_version: 1\n",
    ),
    (
        E,
        "an 8-bit optimizer with",
        L + "optimizer: adamw_bnb_8bit\nfsdp_config: {offload_params: true}\n",
        L + "optimizer: adamw_torch\nfsdp_config: {offload_params: true}\n",
    ),
    (
        E,
        "optimizer: adamw_8bit or",
        L + "optimizer: adamw_8bit\nfsdp_version: 2\nfsdp_config: {offload_params: true}\n",
        L + "optimizer: adamw_torch_8bit\nfsdp_version: 2\nfsdp_config: {offload_params: true}\n",
    ),
    (
        E,
        "an 8-bit optimizer of",
        L + "optimizer: paged_adamw_8bit\ntensor_parallel_size: 2\n",
        L + "optimizer: paged_adamw_8bit\ntensor_parallel_size: 1\n",
    ),
    (
        E,
        "optimizer: q_galore",
        L + "optimizer: q_galore_adamw8bit\n",
        L + "optimizer: adamw_torch\n",
    ),
    (
        E,
        "optimizer: muon",
        L + "optimizer: muon\nfsdp_config: {reshard_after_forward: true}\n",
        L + "optimizer: muon\nfsdp_config: {fsdp_version: 2}\n",
    ),
    (
        E,
        "activation_offloading without",
        L + "activation_offloading: true\n",
        L + "activation_offloading: true\ngradient_checkpointing: true\n",
    ),
    (
        E,
        "selective_checkpointing without",
        L + "selective_checkpointing: true\n",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n",
    ),
    (
        E,
        "selective_checkpointing with use",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n"
        "gradient_checkpointing_kwargs: {use_reentrant: true}\n",
        L + "gradient_checkpointing: true\ngradient_checkpointing_kwargs: {use_reentrant: true}\n",
    ),
    (
        E,
        "selective_checkpointing with an",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n"
        "activation_offloading: true\n",
        L + "selective_checkpointing: true\ngradient_checkpointing: true\n"
        "activation_offloading: hidden_states\n",
    ),
    (
        E,
        "selective_checkpointing.save",
        L + "gradient_checkpointing: true\nselective_checkpointing: {save: [mm]}\n",
        L + "gradient_checkpointing: true\nselective_checkpointing: {save: [attention]}\n",
    ),
    (
        E,
        "more than one of cut",
        L + "cut_cross_entropy: true\nliger_fused_linear_cross_entropy: true\n",
        L + "cut_cross_entropy: true\n",
    ),
    (
        W,
        "attn_implementation with one",
        L + "attn_implementation: sdpa\nflash_attention: true\n",
        L + "flash_attention: true\n",
    ),
    (
        W,
        "attn_implementation that",
        L + "attn_implementation: flash\n",
        L + "attn_implementation: kernels-community/flash-attn3\n",
    ),
    (
        E,
        "context_parallel_size above 1 without",
        L + "context_parallel_size: 2\nattn_implementation: sdpa\n",
        L + "context_parallel_size: 2\nflash_attention: true\n",
    ),
    (
        E,
        "context_parallel_size above 1 with sample",
        L + "context_parallel_size: 2\nflash_attention: true\nsample_packing: true\n"
        "micro_batch_size: 2\n",
        L + "context_parallel_size: 2\nflash_attention: true\nsample_packing: true\n"
        "micro_batch_size: 1\n",
    ),
    (
        E,
        "scaling_softmax",
        L + "scaling_softmax: true\n",
        L + "scaling_softmax: true\nattn_implementation: flex_attention\n",
    ),
    (
        E,
        "torch_compile_options",
        L + "torch_compile_options: {shape_padding: true}\n",
        L + "torch_compile_options: {shape_padding: true}\ntorch_compile: true\n",
    ),
    (E, "deepcompile", L + "deepcompile: true\n", L + "deepcompile: true\ndeepspeed: a.json\n"),
    (
        E,
        "fp32_norms",
        L + "fp32_norms: true\n",
        L + "fp32_norms: true\nfsdp_version: 2\nfsdp_config: {offload_params: false}\n",
    ),
    *(
        (W, f"{name} has been removed", f"{L}{name}: true\n", f"{L}{name}: null\n")
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
    (W, "save_safetensors", L + "save_safetensors: false\n", L + "save_safetensors: true\n"),
    (
        W,
        "a dataset of type",
        L + "datasets: [{path: a, type: sharegpt}]\n",
        L + "datasets: [{path: a, type: chat_template}]\n",
    ),
    (
        E,
        "noisy_embedding_alpha and",
        L + "noisy_embedding_alpha: 5\nneftune_noise_alpha: 5\n",
        L + "neftune_noise_alpha: 5\n",
    ),
    (W, "evaluation_strategy is", L + "evaluation_strategy: steps\n", L + "eval_strategy: steps\n"),
    (W, "dpo_beta is", L + "dpo_beta: 0.1\n", L + "rl_beta: 0.1\n"),
    (W, "noisy_embedding_alpha is", L + "noisy_embedding_alpha: 5\n", L),
    (W, "sequence_parallel_degree is", L + "sequence_parallel_degree: 2\n", L),
]

B = "quantization_bit: 4\n"
LLAMA_FACTORY = [
    (E, "quantization_bit and pissa", B + "pissa_init: true\n", B),
    (E, "quantization_bit and resize", B + "resize_vocab: true\n", "resize_vocab: true\n"),
    (
        E,
        "create_new_adapter over",
        B + "adapter_name_or_path: a\ncreate_new_adapter: true\n",
        "adapter_name_or_path: a\ncreate_new_adapter: true\n",
    ),
    (E, "several adapters", B + "adapter_name_or_path: a,b\n", B + "adapter_name_or_path: a\n"),
    *(
        (E, f"{name} with finetuning_type", f"{name}: true\n", f"{name}: false\n")
        for name in ("use_galore", "use_apollo", "use_badam")
    ),
    (E, "pissa_init in", "pissa_init: true\nstage: dpo\n", "pissa_init: true\nstage: sft\n"),
    (E, "fp8 with", B + "fp8: true\n", "fp8: true\n"),
    (
        E,
        "quantization_device_map",
        B + "quantization_device_map: auto\ndo_train: true\n",
        B + "do_train: true\n",
    ),
    *(
        (
            E,
            f"{name} with deepspeed",
            f"{name}: true\ndeepspeed: a.json\n",
            "deepspeed: a.json\n",
        )
        for name in ("use_galore", "use_apollo")
    ),
    (E, "eval_dataset and", "eval_dataset: a\nval_size: 0.1\n", "eval_dataset: a\n"),
    (
        E,
        "streaming and max_samples",
        "streaming: true\nmax_steps: 9\nmax_samples: 9\n",
        "max_samples: 9\n",
    ),
    (E, "streaming without", "streaming: true\n", "streaming: true\nmax_steps: 9\n"),
    (
        E,
        "streaming with a val",
        "streaming: true\nmax_steps: 9\nval_size: 0.1\n",
        "streaming: true\nmax_steps: 9\nval_size: 100\n",
    ),
    (
        E,
        "interleave_probs without",
        "interleave_probs: 0.5,0.5\ndataset: a,b\n",
        "interleave_probs: 0.5,0.5\ndataset: a,b\nmix_strategy: interleave_under\n",
    ),
    (
        E,
        "as many interleave_probs",
        "interleave_probs: 0.5,0.5\ndataset: a\nmix_strategy: interleave_under\n",
        "dataset: a\n",
    ),
    (E, "mask_history and", "mask_history: true\ntrain_on_prompt: true\n", "mask_history: true\n"),
    (E, "eval_strategy without", "eval_strategy: steps\n", "eval_strategy: steps\nval_size: 9\n"),
    (E, "do_eval without", "do_eval: true\n", "do_eval: true\neval_dataset: a\n"),
    *(
        (E, f"{name} outside", f"stage: kto\n{name}: true\n", f"stage: sft\n{name}: true\n")
        for name in ("neat_packing", "train_on_prompt", "mask_history", "predict_with_generate")
    ),
    (
        E,
        "do_predict without",
        "do_predict: true\n",
        "do_predict: true\npredict_with_generate: true\n",
    ),
    (
        E,
        "predict_with_generate and",
        "predict_with_generate: true\ncompute_accuracy: true\n",
        "compute_accuracy: true\n",
    ),
    (
        E,
        "load_best_model_at_end in",
        "stage: rm\nload_best_model_at_end: true\n",
        "stage: rm\n",
    ),
    (E, "stage: ppo without", "stage: ppo\n", "stage: ppo\nreward_model: a\n"),
    (
        E,
        "dpo_label_smoothing",
        "stage: dpo\npref_loss: simpo\ndpo_label_smoothing: 0.1\n",
        "stage: dpo\npref_loss: sigmoid\ndpo_label_smoothing: 0.1\n",
    ),
]

F = "attn_impl: flash_attn\n"
G = "rlhf_type: grpo\n"
SWIFT = [
    *(
        (E, f"{n} without a Flash", f"{n}: true\n", f"{n}: true\n{F}")
        for n in ("packing", "padding_free")
    ),
    (E, "packing and lazy", F + "packing: true\nlazy_tokenize: true\n", F + "packing: true\n"),
    (E, "streaming and lazy", "streaming: true\nlazy_tokenize: true\n", "streaming: true\n"),
    (E, "fsdp and deepspeed", "fsdp: fsdp2\ndeepspeed: zero2\n", "deepspeed: zero2\n"),
    (E, "save_only_model", "fsdp: fsdp2\nsave_only_model: true\n", "save_only_model: true\n"),
    (W, "warmup_ratio and", "warmup_ratio: 0.1\nwarmup_steps: 9\n", "warmup_ratio: 0.1\n"),
    (W, "warmup_ratio of", "warmup_ratio: 1\n", "warmup_ratio: 0.1\n"),
    (E, "quant_method without", "quant_method: bnb\n", "quant_method: bnb\nquant_bits: 4\n"),
    (
        E,
        "quant_method: bnb",
        "quant_method: bnb\nquant_bits: 3\n",
        "quant_method: hqq\nquant_bits: 3\n",
    ),
    (E, "ref_model in", "rlhf_type: dpo\nref_model: a/b\n", "rlhf_type: dpo\n"),
    (
        E,
        "vllm_mode without",
        G + "vllm_mode: colocate\n",
        G + "vllm_mode: colocate\nuse_vllm: true\n",
    ),
    (E, "use_vllm without", G + "use_vllm: true\n", G + "use_vllm: true\nvllm_mode: server\n"),
    (
        E,
        "rlhf_type: grpo with a trunc",
        G + "truncation_strategy: split\n",
        G + "truncation_strategy: delete\n",
    ),
    (E, "rlhf_type: grpo with num", G + "num_generations: 1\n", G + "num_generations: 8\n"),
    *(
        (
            E,
            f"{n} with an rlhf",
            f"{F}rlhf_type: orpo\n{n}: true\n",
            f"{F}rlhf_type: dpo\n{n}: true\n",
        )
        for n in ("packing", "padding_free")
    ),
    (
        E,
        "sequence_parallel_size above",
        "rlhf_type: kto\nsequence_parallel_size: 2\n",
        "rlhf_type: dpo\nsequence_parallel_size: 2\n",
    ),
    *(
        (
            E,
            f"rlhf_type: grpo with use_liger_kernel and {name}",
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
TRAINER = [
    (W, "padding_free without", "padding_free: true\n", "padding_free: true\nmax_length: null\n"),
    (
        W,
        "padding_free with",
        "padding_free: true\nmax_length: null\nper_device_train_batch_size: 1\n",
        "padding_free: true\nmax_length: null\nper_device_train_batch_size: 4\n",
    ),
    (E, "packing with max", "packing: true\nmax_length: null\n", "packing: true\n"),
    (
        E,
        "datasets of which",
        "datasets: [{path: a, fraction: 0.5}, {path: b}]\n",
        "datasets: [{path: a, fraction: 0.5}, {path: b, fraction: 0.5}]\n",
    ),
    (
        E,
        "streaming with datasets",
        "streaming: true\ndatasets: [{path: a, fraction: 0.5}]\n",
        "streaming: true\ndatasets: [{path: a}]\n",
    ),
    (E, "env that", "env: 1\n", "env: {A: b}\n"),
    (W, "datasets and", "datasets: [{path: a}]\ndataset_name: a\n", "dataset_name: a\n"),
    (
        E,
        "load_best_model_at_end with a",
        "load_best_model_at_end: true\n",
        "load_best_model_at_end: true\neval_strategy: epoch\nsave_strategy: epoch\n",
    ),
    (
        E,
        "load_best_model_at_end with save",
        f"load_best_model_at_end: true\n{S}save_steps: 75\n",
        f"load_best_model_at_end: true\n{S}save_steps: 100\n",
    ),
    (
        E,
        "fp16_full_eval",
        "fp16_full_eval: true\nbf16_full_eval: true\n",
        "bf16_full_eval: true\n",
    ),
    (
        E,
        "an lr_scheduler_type",
        "lr_scheduler_type: reduce_lr_on_plateau\n",
        f"lr_scheduler_type: reduce_lr_on_plateau\n{S}",
    ),
    (E, "warmup_steps below", "warmup_steps: -1\n", "warmup_steps: 0\n"),
    (E, "logging_steps: 0", "logging_steps: 0\n", 'logging_steps: 0\nlogging_strategy: "no"\n'),
    *(
        (E, f"{n}_steps above", f"{n}_strategy: steps\n{n}_steps: 1.5\n", f"{n}_steps: 2\n")
        for n in ("logging", "eval", "save")
    ),
    (E, "fsdp and", "fsdp: full_shard\ndeepspeed: a.json\n", "deepspeed: a.json\n"),
    (
        E,
        "fsdp_config.activation",
        "fsdp: full_shard\nfsdp_config: {activation_checkpointing: true}\n"
        "gradient_checkpointing: true\n",
        "fsdp: full_shard\nfsdp_config: {activation_checkpointing: true}\n"
        "gradient_checkpointing: false\n",
    ),
    (
        E,
        "save_only_model with load",
        "save_only_model: true\nload_best_model_at_end: true\nfsdp: full_shard\n"
        "eval_strategy: epoch\nsave_strategy: epoch\n",
        "save_only_model: true\nload_best_model_at_end: true\n"
        "eval_strategy: epoch\nsave_strategy: epoch\n",
    ),
    (
        E,
        "save_only_model with fsdp",
        "save_only_model: true\nfsdp: full_shard\n"
        "fsdp_config: {state_dict_type: SHARDED_STATE_DICT}\n",
        "save_only_model: true\nfsdp: full_shard\n",
    ),
    (
        E,
        "dataloader_prefetch_factor",
        "dataloader_prefetch_factor: 2\n",
        "dataloader_prefetch_factor: 2\ndataloader_num_workers: 2\n",
    ),
    (
        E,
        "save_strategy: best",
        "save_strategy: best\n",
        "save_strategy: best\nmetric_for_best_model: eval_loss\n",
    ),
]

N = "quantize: bnb.nf4\n"
T = "model: {_component_: torchtune.models.llama3.lora_llama3_8b, lora_attn_modules: "
U = "model: {model_name: a/b"
X = "training: {use_peft: true, trainer_type: "
FOUNDRY = "model: {name: hf_causal_lm, pretrained_model_name_or_path: a/b, peft_config: {r: 8}"
KIT = "config: {process: [{network: {type: lora, linear: 16}, train: {gradient_accumulation: 2"
P = "peft: {dim: 8, "
LUDWIG = "adapter: {type: lora, postprocessor: {merge_adapter_into_base_model: true}}\n"
OTHERS = [
    (
        "litgpt",
        E,
        "quantize with a mixed",
        N + "precision: bf16-mixed\n",
        N + "precision: bf16-true\n",
    ),
    ("litgpt", E, "quantize with devices", N + "devices: 2\n", N + "devices: 1\n"),
    ("litgpt", E, "quantize with num_nodes", N + "num_nodes: 2\n", "num_nodes: 2\n"),
    ("litgpt", E, "quantize with an", N + "optimizer: SGD\n", N + "optimizer: AdamW\n"),
    *(
        (
            "litgpt",
            E,
            f"train.{name}, which",
            f"train: {{{name}: 1}}\n",
            f"train: {{{name}: null}}\n",
        )
        for name in ("max_tokens", "max_norm", "tie_embeddings", "lr_warmup_fraction")
    ),
    ("litgpt", E, "train.epochs: null", "train: {epochs: null}\n", "train: {epochs: 2}\n"),
    (
        "litgpt",
        E,
        "eval.max_new_tokens: null",
        "eval: {max_new_tokens: null}\n",
        "eval: {max_new_tokens: 9}\n",
    ),
    (
        "litgpt",
        E,
        "train.global_batch_size below",
        "train: {global_batch_size: 4, micro_batch_size: 4}\ndevices: 2\n",
        "train: {global_batch_size: 8, micro_batch_size: 4}\ndevices: 2\n",
    ),
    ("torchtune", E, "dtype: fp16", T + "[q_proj]}\ndtype: fp16\n", T + "[q_proj]}\ndtype: bf16\n"),
    (
        "torchtune",
        E,
        "enable_activation_offloading",
        T + "[q_proj]}\nenable_activation_offloading: True\n",
        T
        + "[q_proj]}\nenable_activation_offloading: True\nenable_activation_checkpointing: True\n",
    ),
    (
        "torchtune",
        E,
        "dataset.packed",
        T + "[q_proj]}\ndataset: {packed: True}\ntokenizer: {max_seq_len: null}\n",
        T + "[q_proj]}\ndataset: {packed: True}\ntokenizer: {max_seq_len: 4096}\n",
    ),
    ("torchtune", E, "an empty model", T + "[]}\n", T + "[q_proj]}\n"),
    (
        "ludwig",
        E,
        "an adapter with",
        "adapter: {type: lora}\ntrainer: {type: dpo}\n",
        "adapter: {type: lora}\ntrainer: {type: finetune}\n",
    ),
    (
        "ludwig",
        E,
        "merge_adapter_into_base_model",
        LUDWIG + "quantization: {bits: 4}\n",
        LUDWIG + "quantization: {bits: 8}\n",
    ),
    (
        "oumi",
        E,
        "fsdp.enable_fsdp and",
        U
        + "}\n"
        + X
        + "TRL_SFT}\nfsdp: {enable_fsdp: true}\ndeepspeed: {enable_deepspeed: true}\n",
        U + "}\n" + X + "TRL_SFT}\nfsdp: {enable_fsdp: true}\n",
    ),
    (
        "oumi",
        E,
        "model.compile",
        U + ", compile: true}\n" + X + "TRL_SFT}\n",
        U + "}\n" + X + "TRL_SFT}\n",
    ),
    (
        "oumi",
        E,
        "training.compile",
        U + "}\n" + X + "TRL_SFT, compile: true}\nfsdp: {use_orig_params: false}\n",
        U + "}\n" + X + "TRL_SFT, compile: true}\nfsdp: {use_orig_params: true}\n",
    ),
    (
        "oumi",
        E,
        "training.mixed",
        U + ", torch_dtype_str: bfloat16}\n" + X + "TRL_SFT, mixed_precision_dtype: BF16}\n",
        U + ", torch_dtype_str: float32}\n" + X + "TRL_SFT, mixed_precision_dtype: BF16}\n",
    ),
    (
        "oumi",
        E,
        "training.gradient",
        U + "}\n" + X + "TRL_SFT, gradient_accumulation_steps: 0}\n",
        U + "}\n" + X + "TRL_SFT, gradient_accumulation_steps: 1}\n",
    ),
    (
        "oumi",
        E,
        "training.include",
        U + "}\n" + X + "TRL_GRPO, include_performance_metrics: true}\n",
        U + "}\n" + X + "TRL_GRPO}\n",
    ),
    (
        "nemo-automodel",
        E,
        "peft.target_modules and",
        P + "target_modules: ['*_proj'], exclude_modules: ['*lm_head*']}\n",
        P + "target_modules: ['*_proj']}\n",
    ),
    (
        "nemo-automodel",
        E,
        "peft.match_all_linear",
        P + "match_all_linear: true, exclude_modules: ['*lm_head*']}\n",
        P + "match_all_linear: true}\n",
    ),
    ("llm-foundry", E, "model.load_in_8bit", FOUNDRY + ", load_in_8bit: true}\n", FOUNDRY + "}\n"),
    (
        "ai-toolkit",
        E,
        "train.gradient_accumulation and",
        KIT + ", gradient_accumulation_steps: 2}}]}\n",
        KIT + "}}]}\n",
    ),
]
