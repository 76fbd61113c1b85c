#!/bin/bash
MODEL_PATH=${MODEL_PATH:-/data/models/glm-4-9b-chat-hf}
llamafactory-cli train \
  --stage sft --do_train true --finetuning_type lora --lora_target all --lora_rank 16 \
  --model_name_or_path $MODEL_PATH --template glm4 --dataset identity \
  --per_device_train_batch_size 1 --gradient_accumulation_steps 8 \
  --learning_rate 1e-4 --num_train_epochs 2 --fp16 true --output_dir out/glm
