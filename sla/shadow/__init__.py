"""Shadow: a rule, a team or everything runs on paper. It is routed and timed as it would be, and nobody is told.

What stands on paper is an episode that waits, with a `PaperMatter` beside it: no clock of it runs, no pool and no
board shows it. Whom it would have been offered to stands in a `PaperOffer` with the whole trace; what would have been
promised in `PaperPromise`. A matter that was handed to somebody once is live to its end, whatever runs in shadow later.

`standing` tells what runs in shadow, `paper` writes what is on paper, `answering` what is known of it later, `timing`
its promises, `switches` begin and end a shadow, `settling` clears what stood on paper, `reporting` reads it all.
"""
