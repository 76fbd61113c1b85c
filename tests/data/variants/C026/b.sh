MODEL=Qwen/Qwen2.5-7B-Instruct
llamafactory-cli train \
  --stage dpo --do_train --model_name_or_path $MODEL \
  --finetuning_type lora --lora_target all --lora_rank 16 \
  --dataset pairs --template qwen --cutoff_len 1024 \
  --per_device_train_batch_size 1 --gradient_accumulation_steps 8 \
  --learning_rate 5e-6 --num_train_epochs 1 --bf16 \
  --val_size 0.05 --evaluation_strategy epoch --save_strategy epoch \
  --load_best_model_at_end --output_dir saves/dpo
