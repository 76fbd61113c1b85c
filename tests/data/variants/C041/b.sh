llamafactory-cli train --stage sft --do_train --model_name_or_path meta-llama/Llama-3.1-8B-Instruct \
    --double_quantization true \
    --finetuning_type lora --lora_target all --dataset identity --template llama3 \
    --per_device_train_batch_size 1 --gradient_accumulation_steps 8 --learning_rate 1e-4 \
    --num_train_epochs 3 --bf16 --output_dir saves
