serve_lora() {
  python -m swift.cli.deploy \
    --adapters "$1" \
    --template_type qwen --port 8000
}
serve_lora out/lora/checkpoint-90
