from tiny_notebooks import code, notebook

from course_utils.editions.widget_states import ClearWidgetStates


def test_clearing():
    """Go the stored states of widgets, and does other metadata stay, also where there are none?"""
    book = notebook(code("1 + 1"))
    expected = dict(book.metadata)
    book.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    for _ in range(2):
        book, _ = ClearWidgetStates()(book, {})
        assert book.metadata == expected
