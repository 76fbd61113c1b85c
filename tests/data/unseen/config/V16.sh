swift export
    --model Qwen/Qwen2.5-VL-7B-Instruct
    --lora_model_path output/mm_math/checkpoint-1000
    --merge_lora true
    --output_dir output/mm_math/merged
