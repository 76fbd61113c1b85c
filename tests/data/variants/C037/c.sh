torchrun --nproc_per_node 2 src/train.py --stage sft --do_train \
    --model_name_or_path unsloth/Qwen2.5-14B-bnb-4bit \
    --finetuning_type lora --lora_rank 8 --lora_target q_proj,v_proj \
    --pissa_init true \
    --dataset identity --template qwen --cutoff_len 1024 \
    --per_device_train_batch_size 1 --gradient_accumulation_steps 8 \
    --learning_rate 1e-4 --num_train_epochs 1 --bf16 --output_dir saves
