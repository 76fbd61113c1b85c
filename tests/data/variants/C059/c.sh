# Reward-free preferences on two cards.
export NPROC_PER_NODE=2
swift rlhf --rlhf_type orpo \
  --model Qwen/Qwen2.5-7B-Instruct --tuner_type lora --lora_rank 16 --lora_alpha 32 \
  --dataset pairs.jsonl --torch_dtype float16 \
  --quant_method bnb --quant_bits 4 \
  --deepspeed zero3 --learning_rate 8e-6 --num_train_epochs 1 --max_length 1024
