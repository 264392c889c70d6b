"""The ground floor both sides stand on: the bytes of frames, records, messages and segments.

Everything here is a function of its arguments: standard library and msgpack only, no threads, no
sockets, no clock. The client package and the daemon package import this one and never each other.
"""
