"""Patches for the JavaScript that Chainlit ships, each of which must match exactly where it is meant to.

They do only what Chainlit's settings (`.chainlit/config.toml`), its translations, our style sheet and our scripts
(`public/`) can't do. The names in the bundle come from its minifier and change with every release: after an upgrade,
find each place again by its `file`, with the source map that Chainlit ships beside the bundle.
"""

from app.frontend.errors import FrontendError
from app.frontend.patches.accessibility import ACCESSIBILITY
from app.frontend.patches.answers import ANSWERS
from app.frontend.patches.attaching import ATTACHING
from app.frontend.patches.chat_list import CHAT_LIST
from app.frontend.patches.features import FEATURES
from app.frontend.patches.fixes import FIXES
from app.frontend.patches.patch import Patch
from app.frontend.patches.races import RACES
from app.frontend.patches.streaming import STREAMING
from app.frontend.patches.words import WORDS

__all__ = ["GROUPS", "PATCHES", "Patch", "apply_patches"]

GROUPS: dict[str, tuple[Patch, ...]] = {
    "fixes": FIXES,
    "streaming": STREAMING,
    "features": FEATURES,
    "races": RACES,
    "attaching": ATTACHING,
    "accessibility": ACCESSIBILITY,
    "answers": ANSWERS,
    "words": WORDS,
    "chat_list": CHAT_LIST,
}
"""The patches by the module of this folder that has them; some match only after those of an earlier group."""

PATCHES: tuple[Patch, ...] = tuple(patch for group in GROUPS.values() for patch in group)


def apply_patches(bundle: bytes, chainlit_version: str) -> bytes:
    """Returns Chainlit's main bundle with all patches applied.

    As bytes in UTF-8, because a string would take four bytes a character and six times as long.

    Raises:
        FrontendError: patches do not match in as many places as they should; the message names each of them.
    """
    misfits = []
    for module, group in GROUPS.items():
        for patch in group:
            pieces = bundle.split(patch.old.encode())
            if (found := len(pieces) - 1) == patch.places:
                bundle = patch.new.encode().join(pieces)
            else:
                misfits.append(_misfit(patch, module, found))
    if misfits:
        raise FrontendError(
            f"Chainlit {chainlit_version}'s front end is not the one that these patches were written for: "
            "install the locked version, or update them.\n" + "\n".join(misfits)
        )
    return bundle


def _misfit(patch: Patch, module: str, found: int) -> str:
    return (
        f"- {patch.name} in app/frontend/patches/{module}.py ({patch.why}): {found} places instead of {patch.places}; "
        f"written for Chainlit {patch.version}, {patch.file}"
    )
