"""Learn a recipe's tokenizer from its corpora, or take the one that it names, as files of a model folder.

The ids ``</s>`` 0 and ``<unk>`` 1 and the tags after them are those of Marian's students, so that such a model can be
exported to their format. SentencePiece normalises nothing: full-width punctuation stays what it is.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import sentencepiece

from s2s_gui.description import TokenizerFiles
from s2s_gui.errors import RecipeError
from s2s_gui.training.corpora import Corpora
from s2s_gui.training.recipe import Recipe

EOS, UNK = "</s>", "<unk>"


def learn_tokenizer(recipe: Recipe, base: Path, corpora: Corpora, folder: Path) -> TokenizerFiles:
    """Put one joint tokenizer for both sides into ``folder`` and return its name; one that is there is kept."""
    plan = recipe.tokenizer
    files = {
        "sentencepiece": TokenizerFiles("joint.spm", "joint.spm"),
        "words": TokenizerFiles("words.txt", "words.txt", "words"),
        "characters": TokenizerFiles("characters.txt", "characters.txt", "characters"),
    }[plan.kind]
    path = folder / files.source
    if path.exists():
        return files
    tags = list(dict.fromkeys(tag for tag in map(recipe.tag, recipe.directions) if tag))
    if plan.path:
        try:
            shutil.copyfile(base / plan.path, path)
        except OSError as error:
            raise RecipeError(f"The tokenizer {base / plan.path} cannot be read ({error.strerror}).") from error
    elif plan.kind == "sentencepiece":
        _learn_sentencepiece(recipe, corpora, tags, path)
    else:
        _list_tokens(recipe, corpora, tags, path)
    return files


def _texts(corpora: Corpora, count: int) -> Iterator[str]:
    """Yield ``count`` texts of both sides in the proportions that training will see."""
    pools = (text for number in range(1 << 30) for e in corpora.pool(number) for text in (e.source, e.target))
    return islice(pools, count)


def _learn_sentencepiece(recipe: Recipe, corpora: Corpora, tags: list[str], path: Path) -> None:
    plan = recipe.tokenizer
    available = 2 * sum(len(pairs) for pairs in corpora.pairs)
    with path.with_suffix(".part").open("wb") as model:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_texts(corpora, min(plan.lines, available)),
            model_writer=model,
            vocab_size=plan.size,
            model_type="unigram",
            normalization_rule_name="identity",
            byte_fallback=True,
            split_digits=True,
            character_coverage=plan.coverage,
            eos_id=0,
            unk_id=1,
            bos_id=-1,
            pad_id=-1,
            user_defined_symbols=tags,
            minloglevel=2,
        )
    path.with_suffix(".part").rename(path)


def _list_tokens(recipe: Recipe, corpora: Corpora, tags: list[str], path: Path) -> None:
    plan = recipe.tokenizer
    words = plan.kind == "words"
    available = 2 * sum(len(pairs) for pairs in corpora.pairs)
    counts: Counter[str] = Counter()
    for text in _texts(corpora, min(plan.lines, available)):
        counts.update(text.split() if words else text)
    special = [EOS, UNK, *tags]
    listed = special + [token for token, _ in counts.most_common(plan.size) if token not in special]
    lines = listed[: plan.size] if words else [json.dumps(token, ensure_ascii=False) for token in listed[: plan.size]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
