"""Training on a machine that is only lent, for minutes, and has nothing but Python, torch and numpy.

``pack`` and ``join`` work here; the other files travel in the pack and import torch, numpy and the standard library
alone, ``kernels`` also the triton that comes with torch where there is CUDA.
"""
