"""Screen sizes, in cells, and the style classes that apply from each size up."""

HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-medium"), (160, "-wide")]
VERTICAL_BREAKPOINTS = [(0, "-flat"), (14, "-tall")]
