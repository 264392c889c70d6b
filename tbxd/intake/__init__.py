"""What arrives: who sends, how much they may send, and which bytes of it are new.

Rules only. Nothing here opens, sends, encodes or looks at a clock.
"""
