"""English texts hard-coded in the bundle; their translations are in `app/locales/browser/`."""

from app.frontend.patches.patch import Patch

# The patch's name, the text to find, its replacement, and the place in Chainlit's source.
_TEXTS = (
    (
        "code",
        '(r==null?void 0:r[1])||"Raw code"',
        "(r==null?void 0:r[1])||kimi.text.code",
        "frontend/src/components/CodeSnippet.tsx",
    ),
    (
        "theme",
        '"sr-only",children:"Toggle theme"',
        '"sr-only",children:kimi.text.theme',
        "frontend/src/components/header/ThemeToggle.tsx",
    ),
    (
        "sidebar-edge",
        '"aria-label":"Toggle Sidebar",tabIndex:-1,onClick:r,title:"Toggle Sidebar"',
        '"aria-label":kimi.text.sidebar,tabIndex:-1,onClick:r,title:kimi.text.sidebar',
        "frontend/src/components/ui/sidebar.tsx",
    ),
    (
        "copy-failed",
        'Qn.error("Failed to copy: "+String(s))',
        "Qn.error(kimi.text.copyFailed)",
        "frontend/src/components/CopyButton.tsx",
    ),
    (
        "pdf-loading",
        'children:"Loading PDF..."',
        "children:kimi.text.loadingPdf",
        "frontend/src/components/Elements/PDF.tsx",
    ),
    (
        "pdf-preview-loading",
        'children:"Loading preview..."',
        "children:kimi.text.loadingPdf",
        "frontend/src/components/Elements/PDF.tsx",
    ),
    (
        "pdf-enlarge",
        '"aria-label":"Open PDF in a larger view"',
        '"aria-label":kimi.text.enlarge',
        "frontend/src/components/Elements/PDF.tsx",
    ),
    (
        "pdf-title",
        '"sr-only",children:"View PDF"',
        '"sr-only",children:t.name',
        "frontend/src/components/Elements/PDF.tsx",
    ),
    (
        "pdf-description",
        '"sr-only",children:"A modal with a larger view of the PDF."',
        '"sr-only",children:kimi.text.enlarge',
        "frontend/src/components/Elements/PDF.tsx",
    ),
    ("pdf-print", 'title:"Print/Open PDF"', "title:kimi.text.print", "frontend/src/components/Elements/PDF.tsx"),
    ("pdf-download", 'title:"Download PDF"', "title:kimi.text.download", "frontend/src/components/Elements/PDF.tsx"),
    (
        "picture-close",
        '"aria-label":"Close lightbox"',
        '"aria-label":kimi.text.close',
        "frontend/src/components/Elements/Image.tsx",
    ),
    (
        "search-failed",
        '"Error fetching threads: "+_',
        "kimi.text.searchFailed",
        "frontend/src/components/LeftSidebar/Search.tsx",
    ),
    (
        "months",
        'toLocaleString("default",{month:"long"})} ${_.getFullYear()}`',
        'toLocaleString(navigator.language,{year:"numeric",month:"long"})}`',
        "frontend/src/components/LeftSidebar/Search.tsx",
    ),
    (
        "avatar-alt",
        'alt:`Avatar for ${t||"default"}`',
        'alt:""',
        "frontend/src/components/chat/Messages/Message/Avatar.tsx",
    ),
    ("logo-alt", 'alt:"logo"', 'alt:"Kimi-VL Chat"', "frontend/src/components/Logo.tsx"),
    ("login-picture-alt", 'alt:"Image"', 'alt:""', "frontend/src/pages/Login.tsx"),
    ("account-picture-alt", 'alt:"user image"', 'alt:""', "frontend/src/components/header/UserNav.tsx"),
    ("starter-picture-alt", "alt:t.label", 'alt:""', "frontend/src/components/chat/Starter.tsx"),
)

# Chainlit calls most buttons that end a dialog alike: the name of another one, the code around it, the key of its own
# name in Chainlit's translations, and the place in Chainlit's source. All others are "Save".
_DIALOGS = (
    (
        "delete",
        "f.jsx(ZTe,{onClick:V,children:",
        "threadHistory.thread.menu.delete",
        "frontend/src/components/LeftSidebar/ThreadList.tsx",
    ),
    (
        "rename",
        'f.jsx(Ft,{type:"button",onClick:oe,children:',
        "threadHistory.thread.menu.rename",
        "frontend/src/components/LeftSidebar/ThreadList.tsx",
    ),
    (
        "edit",
        'f.jsx(Ft,{className:"confirm-edit",disabled:d,onClick:C,children:',
        "chat.input.actions.send",
        "frontend/src/components/chat/Messages/Message/UserMessage.tsx",
    ),
)
_NAMELESS = 'f.jsx(Ot,{path:"common.actions.confirm"})'

WORDS = (
    Patch(
        name="refused-file",
        why="a rejected file is named, with the reason, in the user's language",
        file="frontend/src/hooks/useUpload.tsx",
        old='(d[0].errors[0].code==="file-too-large"?t==null||t(`File is larger than ${r.max_size_mb} MB`)'
        ":t==null||t(d[0].errors[0].message))",
        new="(t==null||t(kimi.refused(d,r)))",
    ),
    Patch(
        # A 401 leads to the login form, which shows errors itself, including too many tries (429).
        name="failed-request",
        why="a failed request is reported in one sentence, once",
        file="frontend/src/api/index.ts",
        old="XKn=t=>{Qn.error(t.toString())}",
        new="XKn=t=>{[401,429].includes(t.status)||Qn.error(t.detail||kimi.text.requestFailed)}",
    ),
    *(Patch(f"text-{name}", "every text is in the user's language", file, old, new) for name, old, new, file in _TEXTS),
    *(
        Patch(
            name=f"dialog-{name}",
            why="the button that ends a dialog says what it does",
            file=file,
            old=button + _NAMELESS,
            new=button + _NAMELESS.replace("common.actions.confirm", key),
        )
        for name, button, key, file in _DIALOGS
    ),
)
