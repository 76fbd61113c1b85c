CUDA_VISIBLE_DEVICES=0 swift export \
    --adapters "./ms-swift_output/0113/v0-20241222-222356/checkpoint-305", \
    "./ms-swift_output/0113/v0-20250113-130039/checkpoint-1235" \
    --merge_lora true \
    --output_dir "./ms-swift_output/tmp_merge"
