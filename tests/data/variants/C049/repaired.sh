CUDA_VISIBLE_DEVICES=3,4,5 accelerate launch src/train_bash.py --stage sft --do_train \
    --model_name_or_path Qwen/Qwen-72B-Chat-Int4 --dataset erp_toolcall --template qwen \
    --finetuning_type lora --lora_target c_attn --output_dir qwen_72b_int4_checkpoint \
    --overwrite_cache --per_device_train_batch_size 4 --gradient_accumulation_steps 4 \
    --lr_scheduler_type cosine --logging_steps 10 --save_steps 1000 --learning_rate 5e-5 \
    --num_train_epochs 3.0 --plot_loss --fp16 --max_steps 2000 --resume_from_checkpoint qwen_72b_int4_checkpoint/checkpoint-1000
