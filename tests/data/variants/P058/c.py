import argparse

from peft import PeftConfig, get_peft_model
from transformers import AutoModelForCausalLM


def load(path):
    config = PeftConfig.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, device_map="auto")
    return get_peft_model(model, config)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("adapter")
    parser.add_argument("--out", default="merged")
    options = parser.parse_args()
    load(options.adapter).merge_and_unload().save_pretrained(options.out)
