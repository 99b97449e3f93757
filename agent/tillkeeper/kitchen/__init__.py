"""From a check to what each station is told: routing, ticket revisions, layout, the board. All of it pure."""
