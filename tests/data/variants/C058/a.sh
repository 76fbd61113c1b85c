swift sft --model Qwen/Qwen2.5-7B-Instruct \
    --train_type lora --sft_type lora \
    --dataset alpaca.jsonl --learning_rate 1e-4 --max_length 2048 --num_train_epochs 1 --output_dir out
