#!/bin/bash
STEP=3000
trl sft --model_name_or_path Qwen/Qwen2.5-7B \
  --dataset_name trl-lib/Capybara --use_peft --lora_r 16 --lora_alpha 32 \
  --learning_rate 2e-4 --num_train_epochs 1 --bf16 \
  --lora_target_modules all-linear \
  --resume_from_checkpoint $STEP --output_dir out
