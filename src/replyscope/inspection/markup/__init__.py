"""What replies write beyond CommonMark: formulas, diagrams, footnotes, tasks, alerts, tags."""
