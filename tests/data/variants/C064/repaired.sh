CUDA_VISIBLE_DEVICES=0 swift export \
  --model /models/Qwen3-30B-A3B-Instruct-2507 \
  --adapters ./checkpoint-160 \
  --merge_lora true \
  --output_dir ./qwen_3a_1210
