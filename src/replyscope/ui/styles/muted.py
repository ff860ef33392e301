"""The colour of secondary text: labels, hints and what is off.

`$text-muted` is a translucent colour. Textual drops the translucency in the style of a `Content`,
which is then as bright as the rest; `$quiet` is the same look as an opaque colour. Style sheets
may use both.
"""

MUTED = "$quiet"
