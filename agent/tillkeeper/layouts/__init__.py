"""What stands on paper, as data: layouts, languages and copy rules, and the pure code that sets a job by them."""
