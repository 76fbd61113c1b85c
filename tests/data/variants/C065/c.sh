METHOD=peft
run() {
  swift pt \
    --model Qwen/Qwen2.5-1.5B \
    --train_type "$METHOD" \
    --dataset texts.jsonl \
    --lora_rank 64 --lora_alpha 64 \
    --learning_rate 1e-4 --num_train_epochs 1 --max_length 4096
}
run
