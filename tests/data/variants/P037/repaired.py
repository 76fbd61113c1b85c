import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import BitsAndBytesConfig, WhisperForConditionalGeneration

bnb_config = BitsAndBytesConfig(load_in_8bit=True)
whisper_model = WhisperForConditionalGeneration.from_pretrained("openai/whisper-tiny", quantization_config=bnb_config,
                                                                device_map="auto")
quantized_model = prepare_model_for_kbit_training(whisper_model)
peft_config = LoraConfig(inference_mode=False, target_modules=["q_proj", "v_proj"],
                         r=32, lora_alpha=64, lora_dropout=0.1)
final_model = get_peft_model(quantized_model, peft_config)
final_model(torch.zeros([1, 80, 3000]))
