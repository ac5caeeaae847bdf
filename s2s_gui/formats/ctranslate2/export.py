"""Write a Transformer as a CTranslate2 folder (binary version 6, TransformerSpec revision 7, float32)."""

import json
from pathlib import Path

import numpy as np

from s2s_gui.description import ModelDescription, TransformerConfig
from s2s_gui.formats.ctranslate2.file import write_model_file
from s2s_gui.formats.ctranslate2.folder import ACTIVATIONS, MODEL
from s2s_gui.formats.eight_bits import Floats
from s2s_gui.formats.lazy import Array
from s2s_gui.formats.written import position_table, refusal, tokens_of, transformer_of, whole_folder

FORM = "CTranslate2"
SPEC, REVISION = "TransformerSpec", 7
POSITIONS = 2048
EMBEDDING = "decoder/embeddings/weight"


def write(description: ModelDescription, folder: Path) -> None:
    """Write ``folder``; raise ``ModelError`` for what the format cannot hold.

    Tokens go in and come out; the SentencePiece models are put beside for whoever feeds them.
    """
    network = transformer_of(description, FORM)
    decoding = description.card.decoding
    if decoding.pad_source_to or decoding.tag_last:
        raise refusal(description, FORM, "its sources are padded or end in a tag")
    source, target = tokens_of(description.source), tokens_of(description.target)
    end = (decoding.eos,) if decoding.source_end is None else decoding.source_end
    if len(end) > 1 or len(decoding.source_start) > 1 or (end and source[end[0]] != target[decoding.eos]):
        raise refusal(description, FORM, "it frames its sources in a way of its own")
    start = target[decoding.eos] if decoding.start < 0 else target[decoding.start]
    settings = {
        "unk_token": target[decoding.unk],
        "bos_token": source[decoding.source_start[0]] if decoding.source_start else start,
        "eos_token": target[decoding.eos],
        "decoder_start_token": start,
        "add_source_bos": bool(decoding.source_start),
        "add_source_eos": bool(end),
        "layer_norm_epsilon": network.norm_epsilon,
        "multi_query_attention": False,
    }
    with whole_folder(folder) as aside:
        variables, aliases = _variables(description, network)
        write_model_file(aside / MODEL, SPEC, REVISION, variables, aliases)
        (aside / "config.json").write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        shared = network.tied == "all"
        names = (("shared", target),) if shared else (("source", source), ("target", target))
        for side, tokens in names:
            text = json.dumps(tokens, indent=1, ensure_ascii=False)
            (aside / f"{side}_vocabulary.json").write_bytes(text.encode("utf-8", "replace"))
        if description.source.model and description.target.model:
            (aside / "source.spm").write_bytes(description.source.model)
            (aside / "target.spm").write_bytes(description.target.model)


def _variables(description: ModelDescription, network: TransformerConfig) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the variables under the format's names, and the aliases of those that are stored once."""
    weights = Floats(description.weights)
    found: dict[str, Array] = {}

    def put(name: str, array: Array) -> None:
        found[name] = np.asarray(array, np.float32)

    def linear(theirs: str, ours: str) -> None:
        put(f"{theirs}/weight", weights[f"{ours}.weight"])
        put(f"{theirs}/bias", weights[f"{ours}.bias"])

    def norm(theirs: str, ours: str) -> None:
        put(f"{theirs}/gamma", weights[f"{ours}.weight"])
        put(f"{theirs}/beta", weights[f"{ours}.bias"])

    def feed_forward(theirs: str, ours: str) -> None:
        linear(f"{theirs}/ffn/linear_0", f"{ours}.feed_forward.inner")
        linear(f"{theirs}/ffn/linear_1", f"{ours}.feed_forward.outer")
        norm(f"{theirs}/ffn/layer_norm", f"{ours}.feed_forward_residual.norm")

    put(EMBEDDING, weights["target_embedding.weight"])
    put("decoder/projection/bias", weights["output_bias"])
    aliases = {"encoder/position_encodings/encodings": "decoder/position_encodings/encodings"}
    if network.tied == "none":
        put("decoder/projection/weight", weights["output.weight"])
    else:
        aliases["decoder/projection/weight"] = EMBEDDING
    if network.tied == "all":
        aliases["encoder/embeddings_0/weight"] = EMBEDDING
    else:
        put("encoder/embeddings_0/weight", weights["source_embedding.weight"])
    is_learned = network.positions == "learned"
    table = (
        weights["position_table.weight"][network.first_position :] if is_learned else position_table(network, POSITIONS)
    )
    put("decoder/position_encodings/encodings", table)
    for i in range(network.encoder_layers):
        ours, theirs = f"encoder.{i}", f"encoder/layer_{i}"
        linear(f"{theirs}/self_attention/linear_0", f"{ours}.attention")
        linear(f"{theirs}/self_attention/linear_1", f"{ours}.attention_output")
        norm(f"{theirs}/self_attention/layer_norm", f"{ours}.attention_residual.norm")
        feed_forward(theirs, ours)
    for i in range(network.decoder_layers):
        ours, theirs = f"decoder.{i}", f"decoder/layer_{i}"
        linear(f"{theirs}/self_attention/linear_0", f"{ours}.attention")
        linear(f"{theirs}/self_attention/linear_1", f"{ours}.attention_output")
        norm(f"{theirs}/self_attention/layer_norm", f"{ours}.own_residual.norm")
        linear(f"{theirs}/attention/linear_0", f"{ours}.cross_query")
        linear(f"{theirs}/attention/linear_1", f"{ours}.cross_memory")
        linear(f"{theirs}/attention/linear_2", f"{ours}.cross_output")
        norm(f"{theirs}/attention/layer_norm", f"{ours}.cross_residual.norm")
        feed_forward(theirs, ours)
    if network.norm == "pre":
        norm("encoder/layer_norm", "encoder_norm")
        norm("decoder/layer_norm", "decoder_norm")
    activation = next(code for code, name in ACTIVATIONS.items() if name == network.activation)
    for side in ("encoder", "decoder"):
        found[f"{side}/num_heads"] = np.array(network.heads, np.int16)
        found[f"{side}/pre_norm"] = np.array(network.norm == "pre", np.int8)
        found[f"{side}/activation"] = np.array(activation, np.int8)
        found[f"{side}/scale_embeddings"] = np.array(network.scale_embedding, np.int8)
    for name, number in (("encoder/embeddings_merge", 0), ("encoder/multi_query_attention", 0)):
        found[name] = np.array(number, np.int8)
    for name in ("alibi", "alibi_use_positive_positions", "scale_alibi"):
        found[f"decoder/{name}"] = np.array(0, np.int8)
    found["decoder/start_from_zero_embedding"] = np.array(description.card.decoding.start < 0, np.int8)
    found["decoder/alignment_layer"] = np.array(-1, np.int16)
    found["decoder/alignment_heads"] = np.array(1, np.int16)
    return found, aliases
