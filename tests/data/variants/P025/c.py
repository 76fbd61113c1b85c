from peft import LoraConfig, PeftModel, get_peft_model
from torch.optim import AdamW
from transformers import AutoModelForCausalLM, MistralModel

CHECKPOINT = "mistralai/Mistral-7B-v0.1"


class Embedder:
    def __init__(self, folder="e5-lora"):
        self.folder = folder
        config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
        self.model = get_peft_model(MistralModel.from_pretrained(CHECKPOINT), config)

    def fit(self, batches):
        optimizer = AdamW(self.model.parameters(), lr=1e-4)
        for batch in batches:
            hidden = self.model(**batch["texts"]).last_hidden_state
            loss = (hidden[:, -1] - batch["goal"]).pow(2).mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        self.model.save_pretrained(self.folder)


def chat(folder="e5-lora"):
    return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(CHECKPOINT), model_id=folder)
