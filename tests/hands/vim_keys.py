"""Keys to type into texts: the results of a real vim are in vim_results.json."""

KEYS: dict[str, dict[int, tuple[str, ...]]] = {
    "one two three\nfour five\n\n  six seven\nend": {
        0: (
            "w", "3w", "5w", "99w", "e", "2$", "G", "4G", "2gg", "99G", "ft", "2ft", "tt",
            "tt;", "ft;", "ft;,", "fz", "$jjj", "99j", "h", "X", "dw", "2dw", "d2w", "4dw",
            "dW", "de", "dd", "3dd", "99dd", "dj", "dk", "dft", "dtt", "dfz", "d}", "dl", "dh",
            "cwX\x1b", "c2wX\x1b", "2cwX\x1b", "cWX\x1b", "2ccX\x1b", "cjX\x1b", "cttX\x1b",
            "yyp", "yyP", "yyjp", "ywP", "yw$p", "2yyGp", "yy3p", "yw3P", "xp", "ddp", "ddP",
            "Yp", "yjp", "yw}P", "rX", "3rX", "~", "5~", "J", "3J", ">>", "2>>", ">j", ">>.",
            ">>u", "ddu", "yypu", "ddu\x12", "x.", "2x.", "x3.", "dw.", "cwX\x1bw.", "iX\x1b.",
            "AX\x1bj.", "oX\x1b.", "dd.", "yyp.", "rXw.", "3iX\x1b.", "iX\x1b2.", "~.", "dft.",
            "xu.", "cwX\x1buw.", "J.", "x2j.", "vd", "vwd", "ved", "v$d", "vjd", "Vd", "Vjd",
            "veyP", "vey$p", "vecX\x1b", "VcX\x1b", "VjcX\x1b", "vesX\x1b", "verX", "ve~",
            "veU", "VJ", "vjJ", "Vj>", "vj>", "vipd", "vapy", "yiwwviwp", "yyjVp", "yiwjVp",
            "yywviwp", "vlld.", "Vd.", "vjd.", "vVd", "Vvd", "vftd", "v3ld", "VGd", "vex",
            "v$y$p", "veD", "veY", "veSX\x1b", "vwvx", "ve3r.", "p", ".",
        ),
        2: (
            "e", "de", "cwX\x1b",
        ),
        3: (
            "}", "2}", "l", "d}", "cwX\x1b", "yj", "yG", "dip", "dap", "d2ap", "cipX\x1b",
            "d2ip", "r\r",
        ),
        4: (
            "b", "x", "3x", "X", "9X", "D", "dw", "d2h", "cwX\x1b", "ceX\x1b", "y$P", "iX\x1b",
            "aX\x1b", "AX\x1b", "oX\x1b", "OX\x1b", "3iX\x1b", "2AX!\x1b", "2oX\x1b", "i\x1b",
            "ihello world\x1bb", "O\x1b", "xu", "dwu", "xxuu", "xxu\x12", "xxuu\x12\x12",
            "iX\x1bu", "oX\x1bu", "OX\x1bu", "3xu", "xjxu", "xjxuu", "xuu", "dwudw", "xxx2u",
            "x\x12", "cwX\x1bu", "viwd", "vawd", "Vyp", "Vjy", "vjy", "veohd", "veoh\x1b",
            "v\x1bx", "dz", "dix", "gx", "d\x1bx", "2\x1bx", "fqx", "dfqx", "10x", "0x",
        ),
        5: (
            "ge", "0", "$", "3h", "99l", "d0", "d$", "cbX\x1b", "CX\x1b", "sX\x1b", "3sX\x1b",
            "SX\x1b", "yiwP", "yiw$p", "vbd", "vby",
        ),
        6: (
            "b",
        ),
        8: (
            "w", "2e", "dw", "d2w", "db", "y2wP",
        ),
        9: (
            "db", "dge", "yb", "ygg",
        ),
        10: (
            "j", "jj", "3j", "9~", "vly$p",
        ),
        11: (
            "9x",
        ),
        12: (
            "Fo", "To", "To;", "jk", "l", "x", "dFo", "dTo", "dl", "cwX\x1b", "3rX", "aX\x1bu",
            "vld", "vlld", "vly$p",
        ),
        14: (
            "b", "ge", "db", "dd", "dk", "dG", "dgg", "yip", "yk", "J", "ddu", "Vkd", "Vky",
            "Vggd",
        ),
        18: (
            "dw",
        ),
        20: (
            "ge",
        ),
        24: (
            "x", "dw", "cwX\x1b", "sX\x1b", "CX\x1b", "yyp", "dip", "dap", "J", "aX\x1b", "vd",
        ),
        26: (
            "0", "<<", "V<",
        ),
        28: (
            "^", "d^", "d{", "ccX\x1b", "dap", "IX\x1b",
        ),
        30: (
            "gg", "kkk", "{",
        ),
        32: (
            "dd", "2dd", "dj", "J", "oX\x1b",
        ),
    },
    "a.b c-d e": {
        0: (
            "w", "W", "E",
        ),
        8: (
            "B", "gE", "2b",
        ),
    },
    "one": {
        1: (
            "dd",
        ),
    },
    "a\n  b\nc": {
        0: (
            "dw", "d2w",
        ),
    },
    "  a\nb": {
        0: (
            "dw",
        ),
    },
    "a.b c": {
        0: (
            "cWX\x1b",
        ),
    },
    "say \"hello there\" to (a (b) c) now": {
        0: (
            "daw", "d2iw", "d3iw", "di\"", "di(",
        ),
        3: (
            "diw", "daw",
        ),
        4: (
            "di\"",
        ),
        6: (
            "diw", "daw", "diW", "daW", "di\"", "da\"", "ciwX\x1b", "ci\"X\x1b", "vi\"d",
            "va\"d",
        ),
        9: (
            "d2aw",
        ),
        12: (
            "daw",
        ),
        16: (
            "da\"",
        ),
        22: (
            "di)",
        ),
        23: (
            "di(", "da(",
        ),
        26: (
            "dib", "2di(", "d2a(", "vi(d", "va(d",
        ),
        30: (
            "da)",
        ),
        33: (
            "daw",
        ),
    },
    "x = \"\"": {
        4: (
            "ci\"X\x1b",
        ),
    },
    "a \"b\" c \"d\"": {
        6: (
            "di\"",
        ),
    },
    "a \"b\\\"c\" d": {
        3: (
            "di\"",
        ),
    },
    "it's 'x y' z": {
        7: (
            "di'",
        ),
    },
    "f()": {
        1: (
            "ci(X\x1b",
        ),
    },
    "f(\n  a,\n  b\n)": {
        6: (
            "di(",
        ),
    },
    "f(a,\n  b)": {
        3: (
            "di(",
        ),
    },
    "x[1] {a}": {
        2: (
            "di[",
        ),
        6: (
            "da{",
        ),
    },
    "<b>": {
        1: (
            "ci<X\x1b",
        ),
    },
    "f {\n  a\n  b\n}": {
        6: (
            "di{",
        ),
    },
    "a\nb\n\n\nc": {
        0: (
            "dap",
        ),
    },
    "a\n\n\nb\nc": {
        4: (
            "dap",
        ),
    },
    "a\n)b": {
        0: (
            "J",
        ),
    },
    "a \n b": {
        0: (
            "J",
        ),
    },
    "a\n\nb": {
        0: (
            "3J",
        ),
    },
    "\ta": {
        1: (
            "<<",
        ),
    },
    "ABC d": {
        0: (
            "veu",
        ),
    },
    "x [1] y\nq": {
        0: (
            "di[",
        ),
    },
    "x {1} y": {
        0: (
            "di{",
        ),
    },
    "x <1> y": {
        0: (
            "di<",
        ),
    },
    "x\n(1) y": {
        0: (
            "di(",
        ),
    },
    "x ) (1) y": {
        0: (
            "da(",
        ),
    },
    "x (1) (2)": {
        0: (
            "d2i(",
        ),
    },
    "": {
        0: (
            "iX\x1b", "dd", "x", "p", "ccX\x1b", "oX\x1b", "AX\x1b",
        ),
    },
    "a": {
        0: (
            "x", "xx", "xp", "xu",
        ),
    },
    "a b": {
        0: (
            "daw",
        ),
        2: (
            "x", "dw", "diw",
        ),
    },
    " a b": {
        1: (
            "daw",
        ),
    },
    "a b ": {
        2: (
            "daw",
        ),
    },
    "a  b": {
        0: (
            "dw",
        ),
    },
    "foo, bar": {
        0: (
            "dw", "daw",
        ),
    },
    "foo(bar)": {
        0: (
            "cwX\x1b",
        ),
    },
    "x\ny": {
        0: (
            "d$",
        ),
        2: (
            "d0",
        ),
    },
    "one\n\n\ntwo": {
        0: (
            "dw", "d2w",
        ),
        4: (
            "dd",
        ),
    },
    "one\ntwo": {
        0: (
            "cwX\x1bj.",
        ),
    },
}  # fmt: skip
"""The keys by text and cursor. `\\x1b` is Esc, `\\x12` is Ctrl+R."""

CASES = [
    (text, cursor, keys)
    for text, places in KEYS.items()
    for cursor, several in places.items()
    for keys in several
]
