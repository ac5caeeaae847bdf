"""sacreBLEU's BLEU and chrF with their signatures; Chinese and Japanese with their own tokenizers."""

from dataclasses import dataclass

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}


@dataclass(frozen=True, slots=True)
class Score:
    """A corpus score in percent with sacreBLEU's signature."""

    value: float
    signature: str


def bleu_and_chrf(
    hypotheses: list[str], references: list[list[str]], language: str, *, lowercase: bool = False
) -> tuple[Score, Score]:
    """Return BLEU and chrF2 of ``hypotheses`` against one or more lists of references (Post 2018; Popovic 2015)."""
    bleu = BLEU(tokenize=TOKENIZERS.get(language, "13a"), lowercase=lowercase, effective_order=False)
    chrf = CHRF(lowercase=lowercase)
    scores = []
    for metric in (bleu, chrf):
        value = metric.corpus_score(hypotheses, references).score
        scores.append(Score(round(value, 2), str(metric.get_signature())))
    return scores[0], scores[1]
