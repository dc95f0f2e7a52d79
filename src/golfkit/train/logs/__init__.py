"""What a training log says: its score and how it was chosen, sizes, times. Pure: text in, values out.

A log is written by a stranger's script, which often prints its own source first. So a score is believed only when it
stands in a line of the form of a result, outside of source code, under a label that means the finished artifact.
"""

from golfkit.train.logs.parser import TrainingLog, decode, parse

__all__ = ["TrainingLog", "decode", "parse"]
