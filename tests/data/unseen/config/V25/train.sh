accelerate launch sdxl_train_network.py \
    --dataset_config config_lora.toml \
    --pretrained_model_name_or_path ponyDiffusionV6XL.safetensors \
    --network_module networks.lora \
    --network_dim 64 \
    --network_alpha 32 \
    --output_dir output \
    --learning_rate 3e-4 \
    --mixed_precision fp16
