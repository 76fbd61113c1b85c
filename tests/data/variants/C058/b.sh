export CUDA_VISIBLE_DEVICES=0,1
args="--model Qwen/Qwen2.5-1.5B --dataset wiki.jsonl --learning_rate 1e-4 --max_length 1024"
NPROC_PER_NODE=2 swift pt $args \
    --sft_type lora \
    --lora_rank 16
