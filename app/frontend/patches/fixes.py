"""Bugs in what Chainlit shows."""

from app.frontend.patches.patch import Patch

FIXES = (
    Patch(
        # remark-directive takes `:name` for a directive and drops it: `key:value` would show as `key`. Without it there
        # are no alerts (`:::note`), which use the same syntax. A single `$` is money unless kimi.markdown doubles it.
        name="colon-text",
        why="text after a colon stays, and so does `$5 and $6`",
        file="frontend/src/components/Markdown.tsx",
        old="let l=[O9n,D8n,CMn,I9n];return e&&(l=[...l,G8n]),l",
        new="let l=[O9n,D8n];return e&&(l=[...l,[G8n,{singleDollarTextMath:!1}]]),l",
    ),
    Patch(
        # Chainlit requests a picture by the author's name, and answers 400 to any name that is not ASCII. Its setting
        # `default_avatar_file_url` would also replace the pictures of the presets.
        name="avatar",
        why="every answer has the product's avatar, whatever the assistant is called",
        file="frontend/src/components/chat/Messages/Message/Avatar.tsx",
        old='`/avatars/${t||"default"}`',
        new='"/avatars/default"',
    ),
    Patch(
        # PDF.js tries `new Function("")` to detect support; the page's policy forbids it and would log each try.
        name="pdf-eval",
        why="PDF.js does not try what the Content-Security-Policy forbids",
        file="pdfjs-dist/build/pdf.mjs",
        old='function P$n(){try{return new Function(""),!0}catch{return!1}}',
        new="function P$n(){return!1}",
    ),
    Patch(
        name="file-icon",
        why="an attached file that browsers cannot show has its type's icon instead of a broken picture",
        file="frontend/src/components/chat/MessageComposer/Attachment.tsx",
        old='!!(e!=null&&e.startsWith("image/"))',
        new="/^image\\/(?!heic|heif|tiff)/.test(e)",
    ),
    Patch(
        # Its buttons remember what was clicked, but another answer in the same place has its own feedback.
        name="feedback",
        why="the feedback buttons show the feedback of the answer above them, and an error has none",
        file="frontend/src/components/chat/Messages/Message/Buttons/index.tsx",
        old="n?f.jsx(nKn,{message:n}):null",
        new="n&&!t.isError?f.jsx(nKn,{message:n},JSON.stringify(n.feedback||0)):null",
    ),
)
