"""How often a page looks, in seconds, for what a run or a download has done since it was drawn."""

# A chart is drawn whole, which takes the browser a moment.
CHARTS_S = 2.0
# A line of text or a bar: the strip, a run's table, a download.
PROGRESS_S = 1.0
# An edit's first points are there in less than a second, and somebody waits for them.
EDIT_S = 0.5
