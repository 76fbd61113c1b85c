import argparse

from peft import LoraConfig, get_peft_model
from transformers import WhisperForConditionalGeneration

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="openai/whisper-small")
parser.add_argument("--rank", type=int, default=32)
arguments = parser.parse_args()

speech = WhisperForConditionalGeneration.from_pretrained("openai/whisper-small")
wanted = LoraConfig(
    r=arguments.rank,
    lora_alpha=64,
    target_modules=["self_attn_layer_norm", "q_proj", "v_proj"],
)
speech = get_peft_model(speech, wanted)
