"""Parts of the pages, the only room that imports Streamlit; uses all rooms but engine and commands.

Start here:
    `app.navigation.draw_frame`: Draw the page of the address in the frame that all pages share.
    `app.navigation.open_place`: Draw the head of a place, and return the selected set and the shown tab.
    `session.studio`: The studio with the settings of the session's caller.
    `base.markdown.escape`: A text with its Markdown escaped, needed for every text from outside.
    `app.widgets.headline`: Draw the sentence that answers a view's question.
    `app.widgets.chart`: Draw a figure with its description for screen readers.
    `app.widgets.table`: Draw the numbers behind a chart, with a download as CSV.
    `cache.results.measurements`: Stored results of a set on its fleet, shared by all sessions.
    `base.page_cache.get_or_compute`: A value that pages derive from sets and results, computed once for all.
    `run_launcher.queue_run`: Queue a run from a page, and show a refusal as an error.
"""
