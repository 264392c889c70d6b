"""What is promised for crashes, attacked: real processes, real SIGKILL, TensorBoard's own reader.

The judge is never tbxd: producers count, in a file that outlives them, the calls that returned;
the judge reads the event files as TensorBoard does and compares record by record.
"""
