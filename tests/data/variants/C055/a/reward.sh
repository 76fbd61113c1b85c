#!/bin/bash
export CUDA_VISIBLE_DEVICES=0
llamafactory-cli train \
    --stage rm --do_train \
    --model_name_or_path Qwen/Qwen2.5-1.5B-Instruct \
    --finetuning_type lora --lora_target all --lora_rank 8 \
    --dataset_dir ./pairs \
    --dataset answers \
    --template qwen --cutoff_len 1024 \
    --learning_rate 1e-4 --num_train_epochs 1.0 \
    --per_device_train_batch_size 2 --gradient_accumulation_steps 8 \
    --bf16 --output_dir out/reward
