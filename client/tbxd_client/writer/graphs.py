"""Graphs of models: of torch's, and of ONNX files."""

from __future__ import annotations

import os
from typing import Any

from tbxd_client import onnx_graph, trace
from tbxd_wire.kinds import Kind

from .core import Writer
from .raw import CPU_RUN_METADATA, PROFILE_TAG, message_bytes


class GraphMethods(Writer):
    """``add_graph`` and ``add_onnx_graph``."""

    def add_graph(
        self,
        model: Any,
        input_to_model: Any = None,
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> None:
        """Log the graph of a torch model, by running it once in evaluation mode.

        A run shows one graph: a later one replaces it.

        Args:
            model: a ``torch.nn.Module``; every module of it gets back the mode that it was in.
            input_to_model: a tensor, or a tuple of the arguments of the model's ``forward``; () if
                it takes none. Needless only for a model that was scripted or traced.
            verbose: print the graph as torch has it.
            use_strict_trace: False allows a model to return lists and dicts.

        Raises:
            AttributeError: ``model`` is no module.
            RuntimeError: it cannot be traced; among others for want of an input.
            Whatever the model itself raises on this input.
        """
        nodes = trace.nodes(model, input_to_model, verbose, use_strict_trace)
        self._post(Kind.GRAPH, "", None, None, nodes)
        metadata = message_bytes(CPU_RUN_METADATA, "RunMetadata")
        self._post_arrays(Kind.RUN_METADATA, PROFILE_TAG, None, None, metadata)

    def add_onnx_graph(
        self,
        onnx_model_file: str | os.PathLike[str] | None = None,
        *,
        prototxt: str | os.PathLike[str] | None = None,
    ) -> None:
        """Log the graph of a model in an ONNX file.

        Args:
            onnx_model_file: the file; relative to this process's working directory.
            prototxt: the same, as torch calls it.

        Raises:
            ImportError: the onnx package is not installed (``pip install 'tbxd[onnx]'``).
            OSError: the file cannot be read.
            TypeError: no file is given.
            google.protobuf.message.DecodeError: it is no ONNX model.
        """
        path = prototxt if onnx_model_file is None else onnx_model_file
        if path is None:
            raise TypeError("add_onnx_graph needs the path of an ONNX file")
        self._post(Kind.GRAPH, "", None, None, onnx_graph.nodes(path))
