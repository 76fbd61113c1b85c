import os

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers import DDPMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from peft import LoraConfig, get_peft_model
from transformers import CLIPTextModel

from data import batches

BASE = "stabilityai/stable-diffusion-xl-base-1.0"
save_path = "sdxl-lora"
accelerator = Accelerator(mixed_precision="bf16")
unet = UNet2DConditionModel.from_pretrained(BASE, subfolder="unet")
text_encoder = CLIPTextModel.from_pretrained(BASE, subfolder="text_encoder")
unet.requires_grad_(False)
text_encoder.requires_grad_(False)

unet = get_peft_model(unet, LoraConfig(r=32, lora_alpha=32, init_lora_weights="gaussian", target_modules=[
    "to_k", "to_q", "to_v", "to_out.0", "proj_in", "proj_out", "conv1", "conv2"]))
text_encoder = get_peft_model(text_encoder, LoraConfig(r=8, lora_alpha=8, init_lora_weights="gaussian",
                                                       target_modules=["q_proj", "k_proj", "v_proj", "out_proj"]))
params = [p for m in (unet, text_encoder) for p in m.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(params, lr=1e-4)
unet, text_encoder, optimizer = accelerator.prepare(unet, text_encoder, optimizer)
scheduler = DDPMScheduler.from_pretrained(BASE, subfolder="scheduler")

for batch in batches(text_encoder):
    noise = torch.randn_like(batch["latents"])
    t = torch.randint(0, 1000, (len(noise),), device=noise.device)
    pred = unet(scheduler.add_noise(batch["latents"], noise, t), t, batch["embeds"], added_cond_kwargs=batch["added"]).sample
    accelerator.backward(F.mse_loss(pred.float(), noise.float()))
    optimizer.step()
    optimizer.zero_grad()

accelerator.unwrap_model(unet).save_pretrained(os.path.join(save_path, "unet"))
accelerator.unwrap_model(text_encoder).save_pretrained(os.path.join(save_path, "text_encoder"))

pipe = StableDiffusionXLPipeline.from_pretrained(BASE, torch_dtype=torch.bfloat16).to("cuda")
pipe.load_lora_weights(os.path.join(save_path, "unet"), weight_name="adapter_model.safetensors")
pipe("a photo of a sks dog").images[0].save("dog.png")
