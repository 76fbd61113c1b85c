#!/bin/bash
MODEL=meta-llama/Meta-Llama-3.1-8B-Instruct
for lr in 1e-4 2e-4; do
  llamafactory-cli train \
    --stage sft --do_train \
    --model_name_or_path $MODEL \
    --dataset alpaca_en_demo --template qwen3_nothink --cutoff_len 2048 \
    --finetuning_type lora --lora_target q_proj,v_proj --lora_rank 16 \
    --learning_rate $lr --num_train_epochs 2 \
    --bf16 --output_dir out/llama-$lr
done
