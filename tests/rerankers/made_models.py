"""Published models in small: random weights, saved in the form in which the large ones are published."""

import json

import torch
import transformers
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from tokenizers import pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("a", "dog", "cat", "red", "blue", "house", "on", "the", "beach", "runs", "##s", "http", ":", "/", ".", "jpg"),
]
BLIP_WORDS = len(WORDS) + 2
CLIP_MEAN, CLIP_STD = [0.48, 0.46, 0.41], [0.27, 0.26, 0.28]


def write_bert_tokenizer(folder, words=WORDS):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(vocab={word: place for place, word in enumerate(words)}, model_max_length=64).save_pretrained(folder)
    return folder


def write_blip(folder, *, words=WORDS, vocabulary=BLIP_WORDS, seed=0):
    """BLIP for image-text matching: 32 px, 4 patches; the last two words of the model are [DEC] and [ENC]."""
    torch.manual_seed(seed)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.BlipConfig(
        text_config={**shape, "vocab_size": vocabulary, "encoder_hidden_size": 32, "max_position_embeddings": 64},
        vision_config={**shape, "image_size": 32, "patch_size": 16},
        image_text_hidden_size=16,
    )
    config.text_config.initializer_range = config.vision_config.initializer_range = 0.3
    model = transformers.BlipForImageTextRetrieval(config).eval()
    for parameter in model.parameters():  # far from the tiny values of a fresh model, or all scores would be alike
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    write_bert_tokenizer(folder, words)
    pictures = {"size": {"height": 32, "width": 32}, "resample": 3, "image_mean": CLIP_MEAN, "image_std": CLIP_STD}
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    return folder


def write_text_cross_encoder(folder, *, labels=1, seed=0):
    """A BERT with a head, as sentence-transformers and transformers before it published them: no modules.json."""
    torch.manual_seed(seed)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(**shape, vocab_size=len(WORDS), num_labels=labels, initializer_range=0.5)
    BertForSequenceClassification(config).save_pretrained(folder)
    return write_bert_tokenizer(folder)


SIGNALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + ':' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{{ '<|im_end|>' }}{% endfor %}{{ '<|im_start|>' }}"
)


def write_picture_cross_encoder(folder, *, seed=0):
    """A Qwen3-VL that says yes or no, in the form of sentence-transformers: reads texts and pictures."""
    torch.manual_seed(seed)
    letters = pre_tokenizers.ByteLevel.alphabet()
    words = {word: place for place, word in enumerate([*sorted(letters), *SIGNALS, "<|video_pad|>"])}
    tokenizer = transformers.Qwen2Tokenizer(
        vocab=words, merges=[], additional_special_tokens=[*SIGNALS, "<|video_pad|>"], chat_template=TEMPLATE
    )
    pictures = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2, "min_pixels": 256, "max_pixels": 1024}
    processor = transformers.Qwen3VLProcessor(
        transformers.Qwen2VLImageProcessor(**pictures),
        tokenizer,
        transformers.Qwen3VLVideoProcessor(**pictures),
        chat_template=TEMPLATE,
    )
    config = transformers.Qwen3VLConfig(
        text_config={
            **{"vocab_size": len(words), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2},
            **{"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "initializer_range": 0.3},
            "rope_parameters": {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 10_000.0},
        },
        vision_config={
            **{"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 8},
            **{"out_hidden_size": 32, "num_position_embeddings": 16, "deepstack_visual_indexes": [0]},
            "initializer_range": 0.3,
        },
        image_token_id=words["<|image_pad|>"],
        video_token_id=words["<|video_pad|>"],
        vision_start_token_id=words["<|vision_start|>"],
        vision_end_token_id=words["<|vision_end|>"],
    )
    bare = folder / "bare"
    transformers.Qwen3VLForConditionalGeneration(config).save_pretrained(bare)
    processor.save_pretrained(bare)
    reader = Transformer(str(bare), transformer_task="any-to-any")
    judge = LogitScore(true_token_id=words["y"], false_token_id=words["n"])
    CrossEncoder(modules=[reader, judge], device="cpu").save_pretrained(str(folder / "whole"))
    return folder / "whole"
