"""The officer's page read as a browser would: its forms and what they carry."""

from __future__ import annotations

from sandbox.wire.officer import forms_of


def test_forms_are_read_with_their_hidden_fields_and_named_buttons():
    """What a browser would send is all there, and nothing of another form."""
    page = """
    <form action="/a?m=1" method="post"><input type="hidden" name="f" value="x&amp;y">
    <input name="seen" value="1"><button name="go" value="yes">Duyệt</button></form>
    <input type="hidden" name="stray" value="z">
    <form action="/b"><input type="hidden" name="f" value="2"></form>
    """

    first, second = forms_of(page)

    assert (first.action, first.fields, first.buttons) == (
        "/a?m=1",
        {"f": "x&y"},
        [("go", "yes")],
    )
    assert second.fields == {"f": "2"}


def test_a_page_without_forms_has_none():
    """Nothing to press is nothing to press."""
    assert forms_of("<p>Không có gì</p>") == []
