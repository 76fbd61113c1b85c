"""What we know about LoRA fine-tuning: settings, facts, rules and their evidence.

Pure knowledge: nothing here parses a file, prints, or imports torch.
"""
