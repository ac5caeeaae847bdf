"""From a token's probability to how often such a token is right, by what was measured and stands in the card.

Platt's scaling (1999) of the chosen token's log-odds. Temperature scaling (Guo et al. 2017) of the softmax would need
all logits of every step, which leave the network's inner loop in no search; two numbers on the log-odds need nothing
but the log-probability that every search gives, and so cost the same nothing in all of them.
"""

import math

from s2s_gui.description import Calibration, Direction, ModelCard

# Log-odds beyond this are rounding: a float32 probability knows no difference to 1 that is less than 6e-8.
FARTHEST = 16.0


def calibration_of(card: ModelCard, direction: Direction) -> Calibration | None:
    """Return what the card says of a direction, None if it says nothing."""
    return next((one for one in card.calibration if one.direction == str(direction)), None)


def log_odds(log_prob: float) -> float:
    """Return log(p / (1 - p)) for log(p), between plus and minus ``FARTHEST``."""
    rest = -math.expm1(min(log_prob, 0.0))
    odds = log_prob - math.log(rest) if rest > 0 else FARTHEST
    return min(max(odds, -FARTHEST), FARTHEST)


def confidence(calibration: Calibration, log_prob: float) -> float:
    """Return the calibrated probability, 0 to 1, of a token that the network gave ``log_prob``."""
    return 1 / (1 + math.exp(-(log_odds(log_prob) / calibration.temperature + calibration.bias)))
