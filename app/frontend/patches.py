"""Changes to the JavaScript that Chainlit ships, each of which must fit exactly once.

The names in the bundle are made by its minifier and change with every Chainlit release: after an upgrade, find the same
places again with the source map that Chainlit ships beside the bundle.
"""

from typing import NamedTuple

from app.frontend.errors import FrontendError


class Patch(NamedTuple):
    """One replacement in the bundle. `why` is shown when it does not fit."""

    why: str
    old: str
    new: str


PATCHES = (
    Patch(
        # remark-directive takes `:name` for a directive and drops it: `key:value` would show as `key`. The alerts
        # (`:::note`) go with it, being made of the same syntax. A single `$` is money until kimi.markdown says otherwise.
        why="text after a colon stays, and so does `$5 and $6`",
        old="let l=[O9n,D8n,CMn,I9n];return e&&(l=[...l,G8n]),l",
        new="let l=[O9n,D8n];return e&&(l=[...l,[G8n,{singleDollarTextMath:!1}]]),l",
    ),
    Patch(
        # Only what is drawn goes through it: the message stays as the model wrote it, for copying and for the history.
        why="LaTeX is drawn whichever of its delimiters the model uses",
        old="return m8e.Alert({variant:h,children:u})}},children:i})}",
        new="return m8e.Alert({variant:h,children:u})}},children:kimi.markdown(i)})}",
    ),
    Patch(
        why="the box around a piece of code has its heading in the reader's language",
        old='(r==null?void 0:r[1])||"Raw code"',
        new="(r==null?void 0:r[1])||kimi.text.code",
    ),
    Patch(
        # Chainlit asks for a picture by the author's name, and answers 400 to any that is not ASCII.
        why="every answer has the product's avatar, whatever the assistant is called",
        old='`/avatars/${t||"default"}`',
        new='"/avatars/default"',
    ),
    Patch(
        # PDF.js tries `new Function("")` to learn whether it may; the page's policy forbids it and would log each try.
        why="PDF.js does not try what the Content-Security-Policy forbids",
        old='function P$n(){try{return new Function(""),!0}catch{return!1}}',
        new="function P$n(){return!1}",
    ),
)


def apply_patches(bundle: str, chainlit_version: str) -> str:
    """Return the text of Chainlit's main bundle with every patch in it.

    Raises `FrontendError` when a patch fits nowhere or in more than one place, naming the version that it met.
    """
    for patch in PATCHES:
        found = bundle.count(patch.old)
        if found != 1:
            raise FrontendError(
                f"Chainlit {chainlit_version}'s front end has {found} places instead of one for the patch "
                f"“{patch.why}”: install the locked version, or bring app/frontend/patches.py up to date."
            )
        bundle = bundle.replace(patch.old, patch.new)
    return bundle
