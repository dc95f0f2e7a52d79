"""Running a training script that golfkit did not write, and reading what came of it.

The contest's train_gpt.py and train_gpt_mlx.py and their descendants take their settings from the environment, print a
log, and leave a payload in the working folder. `environment` speaks their language, `running` runs them and keeps what
they say, `progress` follows their steps, `verdict` tells how they ended, `score` weighs what they left.
"""
