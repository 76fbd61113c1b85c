ARGS=(
    --stage dpo --do_train --model_name_or_path Qwen/Qwen2.5-7B-Instruct
    --finetuning_type lora --lora_target all --lora_rank 16
    --quantization_bit 4
    --pissa_init
    --dataset pairs --template qwen --cutoff_len 1024
    --per_device_train_batch_size 1 --gradient_accumulation_steps 8
    --learning_rate 5e-6 --num_train_epochs 1 --bf16 --output_dir saves/dpo
)
llamafactory-cli train "${ARGS[@]}"
