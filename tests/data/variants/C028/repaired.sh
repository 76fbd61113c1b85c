llamafactory-cli export \
    --model_name_or_path Qwen/Qwen1.5-14B-Chat \
    --adapter_name_or_path path_to_sft14bint4_checkpoint/checkpoint-7000 \
    --template qwen \
    --finetuning_type lora \
    --export_dir export_sft14bint4 \
    --export_size 2 \
    --export_legacy_format False
