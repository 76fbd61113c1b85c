"""GPU memory of a LoRA run in closed form: no torch, no weights, no GPU, well below a millisecond.

=================  ================================================================================
shape, kinds       the model's decoder layers, kind by kind
adapter            LoRA's matrices on them
loop               the training loop: who computes the loss, in which precisions
step               all three and a batch
weights            frozen weights, by quantization
optimizer          states, by transformers' names
activations        what autograd keeps of a layer
backward           what a layer's backward pass needs on top
loss               logits and loss, by loss path
sharding           DDP, FSDP, ZeRO, pipeline
allocator, slack   workspaces and context; what torch reserves beyond tensors
forecast           the highest moment of a step, in parts
band, verdict      how far off it was in validation; whether it fits a card
=================  ================================================================================

``docs/memory.md`` has the accuracy against every usable published measurement.
"""
