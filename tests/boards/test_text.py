"""Text in a real TensorBoard."""

from __future__ import annotations

from tests.board import Board


def test_markdown_is_shown_and_html_is_not(board: Board) -> None:
    assert board.get("plugin/text/tags")["text"] == ["notes/text_summary"]
    first, second = board.get("plugin/text/text", run="text", tag="notes/text_summary")
    assert (first["step"], second["step"]) == (1, 2)
    assert "first" in first["text"]
    assert "<strong>bold</strong>" in second["text"]
    assert "<td>1</td>" in second["text"]
    assert "<script>" not in second["text"]
