"""The daemon: takes what training processes logged and writes TensorBoard event files."""
