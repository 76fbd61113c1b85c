"""What we know of mistral-finetune."""
