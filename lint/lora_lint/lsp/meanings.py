"""What each of the field's settings means, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "model_name_or_path": "The base model: an id on the hub, or a folder.",
    "dtype": "The type that the base model's weights are loaded in.",
    "attn_implementation": "Which code computes attention; its memory differs with length.",
    "peft_type": "The kind of adapter.",
    "r": "The rank: each adapted layer gets r x (inputs + outputs) trained numbers.",
    "lora_alpha": "The adapter's output is scaled by lora_alpha / r, or lora_alpha / sqrt(r) with "
    "use_rslora.",
    "lora_dropout": "The share of the adapter's inputs that is set to zero at each training step.",
    "target_modules": "The layers that get an adapter: ends of their names, one regular expression "
    "for the whole path, or `all-linear`.",
    "exclude_modules": "Layers that get no adapter although target_modules names them.",
    "modules_to_save": "Layers that are trained whole and saved beside the adapter.",
    "target_parameters": "Parameters, not layers, that get an adapter: fused experts for example.",
    "layers_to_transform": "The indices of the layers that get an adapter; all without it.",
    "rank_pattern": "Ranks for layers whose name fits a pattern, in place of r.",
    "alpha_pattern": "Alphas for layers whose name fits a pattern, in place of lora_alpha.",
    "bias": "Which biases of the base model are trained too: `none`, `all` or `lora_only`.",
    "use_rslora": "Scale by lora_alpha / sqrt(r) in place of lora_alpha / r.",
    "use_dora": "Train a magnitude for each output besides the direction (DoRA).",
    "init_lora_weights": "How A and B begin. B is zero with `True`, so that training starts from "
    "the base model.",
    "task_type": "The kind of model that is adapted; it decides which class wraps it and which "
    "head is saved.",
    "load_in_4bit": "Load the base model's linear layers in 4 bits, with bitsandbytes.",
    "load_in_8bit": "Load the base model's linear layers in 8 bits, with bitsandbytes.",
    "bnb_4bit_quant_type": "The 4-bit type: `nf4` for weights that are normally distributed, or "
    "`fp4`.",
    "bnb_4bit_use_double_quant": "Quantize the quantization constants too: about 0.4 bits a "
    "parameter less.",
    "bnb_4bit_compute_dtype": "The type that 4-bit weights are unpacked to for each "
    "multiplication.",
    "bnb_4bit_quant_storage": "The type of the tensors that hold the packed 4-bit weights; FSDP "
    "needs that of the other weights.",
    "learning_rate": "The largest step size of the optimizer, before the schedule.",
    "lr_scheduler_type": "How the learning rate changes during the run.",
    "warmup_ratio": "The share of the steps in which the learning rate rises from zero.",
    "warmup_steps": "The number of steps in which the learning rate rises from zero.",
    "num_train_epochs": "How often the training data are gone through.",
    "max_steps": "The number of optimizer steps; above zero it wins over num_train_epochs.",
    "per_device_train_batch_size": "Examples that one GPU computes at once.",
    "gradient_accumulation_steps": "How many such batches make one optimizer step.",
    "optim": "The optimizer; its state is 8 bytes a trained number for AdamW in 32 bits.",
    "weight_decay": "The share of each trained weight that is taken off, times the learning rate, "
    "at each step.",
    "max_grad_norm": "The norm that gradients are clipped to; 0 does not clip.",
    "bf16": "Compute in bfloat16 where that is safe: the range of float32, 8 bits of precision.",
    "fp16": "Compute in float16 where that is safe, with a scaled loss.",
    "gradient_checkpointing": "Keep fewer activations and compute them again in the backward pass.",
    "seed": "What random numbers begin with.",
    "train_dataset": "The training data.",
    "dataset_split": "Which part of the data set is taken.",
    "max_samples": "The most examples that are taken.",
    "max_length": "Tokens that an example is cut to.",
    "packing": "Put several examples into one sequence of max_length.",
    "val_set_size": "The share, or the number, of examples that are held out to evaluate on.",
    "neftune_noise_alpha": "Noise that is added to the embeddings while training.",
    "label_smoothing_factor": "The share of the target that is spread over all tokens.",
    "gpu": "The GPU that the run is for.",
    "gpu_count": "How many GPUs the run is for.",
    "train_rows": "How many training examples there are.",
}
