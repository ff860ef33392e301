"""Syntax of replies beyond CommonMark: formulas, diagrams, footnotes, tasks, alerts, tags."""
